/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/authorization.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/memory.h"
#include <string.h>
#include <sys/stat.h>

typedef struct SecretFile {
    char *path; /* NULL: none */
    char *secret;
    struct timespec changed;
    ino_t inode;
} SecretFile;

struct Authorization {
    SecretFile key, string;
    struct curl_slist *custom;
};

static bool secret_refresh(SecretFile *file, Error *error)
{
    struct stat status;
    if (!file->path) {
        return true;
    }
    bool same = stat(file->path, &status) == 0 && file->secret && status.st_ino == file->inode &&
                status.st_mtim.tv_sec == file->changed.tv_sec && status.st_mtim.tv_nsec == file->changed.tv_nsec;
    if (same) {
        return true;
    }
    char *secret = file_read_secret(file->path, error);
    if (!secret) {
        return false;
    }
    free(file->secret);
    file->secret = secret;
    file->changed = status.st_mtim;
    file->inode = status.st_ino;
    return true;
}

static void secret_init(SecretFile *file, const char *path, const char *value)
{
    file->path = path && *path ? text_copy(path) : NULL;
    file->secret = value && *value ? text_copy(value) : NULL;
    if (file->secret) { /* the environment is stronger than the file */
        text_replace(&file->path, NULL);
    }
}

static struct curl_slist *add(struct curl_slist *list, const char *header)
{
    return memory_checked(curl_slist_append(list, header));
}

static struct curl_slist *add_formatted(struct curl_slist *list, const char *name, const char *scheme,
                                        const char *value)
{
    auto_free char *header = text_format("%s: %s%s", name, scheme, value);
    return add(list, header);
}

Authorization *authorization_new(const PrefectOptions *options, Error *error)
{
    Authorization *authorization = memory_new(sizeof *authorization);
    secret_init(&authorization->key, options->api_key_file, options->api_key);
    secret_init(&authorization->string, options->auth_string_file, options->auth_string);
    for (size_t i = 0; i < options->header_count; i++) {
        authorization->custom = add(authorization->custom, options->headers[i]);
    }
    if (!secret_refresh(&authorization->key, error) || !secret_refresh(&authorization->string, error)) {
        authorization_free(authorization);
        return NULL;
    }
    return authorization;
}

static void secret_release(SecretFile *file)
{
    free(file->path);
    free(file->secret);
}

void authorization_free(Authorization *authorization)
{
    if (authorization) {
        secret_release(&authorization->key);
        secret_release(&authorization->string);
        curl_slist_free_all(authorization->custom);
        free(authorization);
    }
}

struct curl_slist *authorization_headers(Authorization *authorization, const char *csrf_token, const char *csrf_client)
{
    /* A file that cannot be read now leaves the last secret in force. */
    secret_refresh(&authorization->key, NULL);
    secret_refresh(&authorization->string, NULL);
    struct curl_slist *list = add(NULL, "Expect:");
    list = add(list, "Content-Type: application/json");
    list = add(list, "Accept: application/json");
    if (authorization->string.secret) {
        auto_free char *encoded = base64_encode(authorization->string.secret, strlen(authorization->string.secret));
        list = add_formatted(list, "Authorization", "Basic ", encoded);
    } else if (authorization->key.secret) {
        list = add_formatted(list, "Authorization", "Bearer ", authorization->key.secret);
    }
    if (csrf_token) {
        list = add_formatted(list, "Prefect-Csrf-Token", "", csrf_token);
        list = add_formatted(list, "Prefect-Csrf-Client", "", csrf_client);
    }
    for (const struct curl_slist *custom = authorization->custom; custom; custom = custom->next) {
        list = add(list, custom->data);
    }
    return list;
}
