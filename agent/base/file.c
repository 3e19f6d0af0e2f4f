/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_cleanup(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

static bool read_all(int fd, const char *path, size_t maximum, Buffer *out, Error *error)
{
    char bytes[16384];
    for (size_t total = 0;;) {
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_set(error, ERROR_IO, "%s: %s", path, strerror(errno));
        }
        if (got == 0) {
            buffer_append(out, "", 0);
            return true;
        }
        total += (size_t)got;
        if (total > maximum) {
            return error_set(error, ERROR_LIMIT, "%s: larger than %zu bytes", path, maximum);
        }
        buffer_append(out, bytes, (size_t)got);
    }
}

bool file_read(const char *path, size_t maximum, Buffer *out, Error *error)
{
    __attribute__((cleanup(close_cleanup))) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, ERROR_IO, "%s: not a regular file", path);
    }
    auto_buffer bytes;
    buffer_init(&bytes, maximum);
    if (!read_all(fd, path, maximum, &bytes, error)) {
        return false;
    }
    buffer_append(out, bytes.bytes, bytes.length);
    return true;
}

/* A renamed file is there after a power cut only when its directory has been written too. */
static bool sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    auto_free char *directory = slash ? text_copy_length(path, (size_t)(slash - path) + 1) : text_copy(".");
    __attribute__((cleanup(close_cleanup))) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

bool file_rename(const char *from, const char *to, Error *error)
{
    bool renamed = rename(from, to) == 0 && sync_directory(to);
    return renamed || error_set(error, ERROR_IO, "%s: %s", to, strerror(errno));
}

bool file_write(const char *path, const char *bytes, size_t length, Error *error)
{
    auto_free char *temporary = text_format("%s.new", path);
    __attribute__((cleanup(close_cleanup))) int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write(fd, bytes, length) == (ssize_t)length && fsync(fd) == 0;
    return (written || error_set(error, ERROR_IO, "%s: %s", path, strerror(errno))) &&
           file_rename(temporary, path, error);
}

char *file_read_secret(const char *path, Error *error)
{
    auto_buffer bytes;
    buffer_init(&bytes, SECRET_FILE_MAX);
    if (!file_read(path, SECRET_FILE_MAX, &bytes, error)) {
        return NULL;
    }
    while (bytes.length && strchr(" \t\r\n", bytes.bytes[bytes.length - 1])) {
        bytes.bytes[--bytes.length] = '\0';
    }
    if (bytes.length == 0) {
        error_set(error, ERROR_INVALID, "%s: empty", path);
        return NULL;
    }
    if (strcspn(bytes.bytes, "\r\n") != bytes.length) { /* also where a NUL would end it early */
        error_set(error, ERROR_INVALID, "%s: not one line of text", path);
        return NULL;
    }
    return buffer_take(&bytes);
}

void file_hold_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) { /* opened the other way round: the lowest that is free */
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

char *file_path(const char *directory, const char *path)
{
    return path[0] == '/' ? text_copy(path) : text_format("%s/%s", directory, path);
}
