/* SPDX-License-Identifier: Apache-2.0 */
/* No sessions are kept and no tickets given: what was said stays secret when a key is lost later, and nothing has to be
 * changed regularly for that. */
#include "api/tls_keys.h"
#include "base/certificate.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "time/instant.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

enum { LOOK_MS = 1000 };

/* Of TLS 1.2; those of TLS 1.3 are all good. */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const unsigned char protocols[] = "\x08http/1.1";

/* Who speaks none of ours is told so, as RFC 7301 wants it. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
                           unsigned offered_length, void *user)
{
    (void)ssl, (void)user;
    unsigned char *found;
    bool common = SSL_select_next_proto(&found, length, protocols, sizeof protocols - 1, offered, offered_length) ==
                  OPENSSL_NPN_NEGOTIATED;
    *chosen = found;
    return common ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *context_new(const Certificate *certificate, Error *error)
{
    SSL_CTX *context = memory_checked(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    ERR_clear_error();
    bool good = SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
                SSL_CTX_use_cert_and_key(context, certificate->own, certificate->key, certificate->chain, 1) == 1;
    if (!good) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        error_set(error, ERROR_INVALID, "the certificate cannot be used: %s", reason ? reason : "unknown");
        SSL_CTX_free(context);
        ERR_clear_error();
        return NULL;
    }
    return context;
}

/* The stamps are taken first: what changes while it is read is read again. */
static bool read_pair(TlsKeys *keys, Error *error)
{
    keys->certificate_stamp = stamp_of_path(keys->certificate_file, true);
    keys->key_stamp = stamp_of_path(keys->key_file, true);
    Certificate certificate;
    if (!certificate_read(keys->certificate_file, keys->key_file, &certificate, error)) {
        return false;
    }
    SSL_CTX *context = context_new(&certificate, error);
    int64_t expires_at = certificate.expires_at;
    certificate_release(&certificate);
    if (!context) {
        return false;
    }
    SSL_CTX_free(keys->context);
    keys->context = context;
    keys->statistics->certificate_expires_at = expires_at;
    return true;
}

bool tls_keys_open(TlsKeys *keys, const char *certificate_file, const char *key_file, HttpStatistics *statistics,
                   Error *error)
{
    *keys = (TlsKeys){
        .certificate_file = text_copy(certificate_file), .key_file = text_copy(key_file), .statistics = statistics};
    if (!read_pair(keys, error)) {
        tls_keys_close(keys);
        return error_prefix(error, "TLS");
    }
    return true;
}

void tls_keys_close(TlsKeys *keys)
{
    SSL_CTX_free(keys->context);
    free(keys->certificate_file);
    free(keys->key_file);
    free(keys->error);
    *keys = (TlsKeys){0};
}

static void alarm(TlsKeys *keys, const char *cause)
{
    if (!text_equal(keys->error, cause)) {
        text_replace(&keys->error, cause);
        log_line(LOG_ERROR, "the certificate cannot be replaced; the one of before stays in use", "cause", cause, NULL);
    }
}

static void read_again(TlsKeys *keys)
{
    Error error = {0};
    if (read_pair(keys, &error)) {
        char until[INSTANT_TEXT_SIZE];
        instant_format(keys->statistics->certificate_expires_at, until);
        log_line(LOG_INFO, "a new certificate is in use", "file", keys->certificate_file, "until", until, NULL);
        text_replace(&keys->error, NULL);
        keys->doubtful = false;
    } else if (keys->doubtful) {
        alarm(keys, error.text);
    } else {
        keys->doubtful = true;
    }
    keys->statistics->certificate_broken = keys->error != NULL;
}

/* Two files are never changed at once: what cannot be used is looked at again before it alarms, and until it can. */
void tls_keys_look(TlsKeys *keys, int64_t boot_ms)
{
    if (boot_ms < keys->look_at) {
        return;
    }
    keys->look_at = boot_ms + LOOK_MS;
    Stamp certificate = stamp_of_path(keys->certificate_file, true), key = stamp_of_path(keys->key_file, true);
    if (keys->doubtful || !stamp_equal(&certificate, &keys->certificate_stamp) ||
        !stamp_equal(&key, &keys->key_stamp)) {
        read_again(keys);
    }
}
