/* SPDX-License-Identifier: Apache-2.0 */
#include "base/certificate.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

enum { SECURITY_BITS = 112 }; /* as RSA of 2,048 bits has: OpenSSL itself wants them */

/* Nobody is there to be asked. */
static int no_password(char *out, int size, int writing, void *user)
{
    (void)out, (void)size, (void)writing, (void)user;
    return -1;
}

static bool library_error(const char *file, const char *what, Error *error)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return error_set(error, ERROR_INVALID, "%s: %s%s%s", file, what, reason ? ": " : "", reason ? reason : "");
}

static bool read_file(const char *path, Buffer *text, Error *error)
{
    buffer_init(text, CERTIFICATE_FILE_MAX);
    ERR_clear_error();
    return file_read(path, CERTIFICATE_FILE_MAX, text, error);
}

static BIO *memory_of(const Buffer *text)
{
    return memory_checked(BIO_new_mem_buf(text->length ? text->bytes : "", (int)text->length));
}

static bool read_expiry(Certificate *certificate, const char *path, Error *error)
{
    struct tm time = {0};
    if (!ASN1_TIME_to_tm(X509_get0_notAfter(certificate->own), &time)) {
        return library_error(path, "its end cannot be read", error);
    }
    certificate->expires_at = (int64_t)timegm(&time) * 1000;
    return true;
}

static bool read_chain(Certificate *certificate, const char *path, Error *error)
{
    auto_buffer text = {0};
    if (!read_file(path, &text, error)) {
        return false;
    }
    BIO *source = memory_of(&text);
    certificate->own = PEM_read_bio_X509(source, NULL, no_password, NULL);
    certificate->chain = memory_checked(sk_X509_new_null());
    for (X509 *next; certificate->own && (next = PEM_read_bio_X509(source, NULL, no_password, NULL));) {
        memory_checked(sk_X509_push(certificate->chain, next) ? certificate->chain : NULL);
    }
    BIO_free(source);
    /* "no start line" says that there are no more of them. */
    bool whole = certificate->own && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    return whole ? read_expiry(certificate, path, error) : library_error(path, "no certificate in PEM", error);
}

static bool read_key(Certificate *certificate, const char *path, Error *error)
{
    auto_buffer text = {0};
    if (!read_file(path, &text, error)) {
        return false;
    }
    BIO *source = memory_of(&text);
    certificate->key = PEM_read_bio_PrivateKey(source, NULL, no_password, NULL);
    BIO_free(source);
    OPENSSL_cleanse(text.bytes, text.length);
    return certificate->key || library_error(path, "no private key in PEM that is not encrypted", error);
}

bool certificate_read(const char *certificate_file, const char *key_file, Certificate *certificate, Error *error)
{
    Certificate read = {0};
    bool good = read_chain(&read, certificate_file, error) && read_key(&read, key_file, error);
    if (good && EVP_PKEY_get_security_bits(read.key) < SECURITY_BITS) {
        good = error_set(error, ERROR_INVALID, "%s: the key is too short to be safe", key_file);
    }
    if (good && !X509_check_private_key(read.own, read.key)) {
        ERR_clear_error();
        good =
            error_set(error, ERROR_INVALID, "%s does not belong to the certificate in %s", key_file, certificate_file);
    }
    if (!good) {
        certificate_release(&read);
        return false;
    }
    ERR_clear_error();
    *certificate = read;
    return true;
}

void certificate_release(Certificate *certificate)
{
    X509_free(certificate->own);
    sk_X509_pop_free(certificate->chain, X509_free);
    EVP_PKEY_free(certificate->key);
    *certificate = (Certificate){0};
}
