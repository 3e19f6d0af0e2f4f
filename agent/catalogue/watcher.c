/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/watcher.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    ENTRY_EVENTS = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO,
    CONTENT_EVENTS = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB,
    SELF_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF,
    NAMES_MAX = 64, /* of one directory; with more, it counts as if each of its names were named */
    EVENTS_SIZE = 64 * 1024,
    SUSPECTS_MAX = 1000, /* with more, everything is suspect */
};

/* One watched inode. */
typedef struct Watch {
    int descriptor;
    bool named; /* since watcher_begin */
    bool whole; /* whatever happens in it counts */
    bool vague; /* too many names were named */
    char **names;
    size_t count, capacity;
} Watch;

struct Watcher {
    int fd;
    Watch *watches; /* by descriptor */
    size_t count, capacity;
    bool happened;
    Map *suspects;    /* names, each of itself */
    bool all_suspect; /* or whatever there is */
    char *problem;
};

Watcher *watcher_new(void)
{
    Watcher *watcher = memory_new(sizeof *watcher);
    watcher->suspects = map_new(1);
    watcher->all_suspect = true;
    watcher->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watcher->fd < 0) {
        watcher->problem = text_format("inotify: %s", strerror(errno));
    }
    return watcher;
}

static void forget_names(Watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        free(watch->names[i]);
    }
    free(watch->names);
    watch->names = NULL;
    watch->count = watch->capacity = 0;
}

void watcher_free(Watcher *watcher)
{
    if (!watcher) {
        return;
    }
    for (size_t i = 0; i < watcher->count; i++) {
        forget_names(&watcher->watches[i]);
    }
    if (watcher->fd >= 0) {
        close(watcher->fd);
    }
    map_free(watcher->suspects);
    free(watcher->watches);
    free(watcher->problem);
    free(watcher);
}

static size_t watch_index(const Watcher *watcher, int descriptor)
{
    size_t low = 0, high = watcher->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (watcher->watches[middle].descriptor < descriptor) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static Watch *watch_find(const Watcher *watcher, int descriptor)
{
    size_t at = watch_index(watcher, descriptor);
    return at < watcher->count && watcher->watches[at].descriptor == descriptor ? &watcher->watches[at] : NULL;
}

static Watch *watch_of(Watcher *watcher, int descriptor)
{
    Watch *known = watch_find(watcher, descriptor);
    if (known) {
        return known;
    }
    size_t at = watch_index(watcher, descriptor);
    array_push(watcher->watches, watcher->count, watcher->capacity) = (Watch){0};
    memmove(&watcher->watches[at + 1], &watcher->watches[at], (watcher->count - 1 - at) * sizeof *watcher->watches);
    watcher->watches[at] = (Watch){.descriptor = descriptor};
    return &watcher->watches[at];
}

void watcher_begin(Watcher *watcher)
{
    for (size_t i = 0; i < watcher->count; i++) {
        watcher->watches[i].named = false;
    }
    if (watcher->fd >= 0) {
        text_replace(&watcher->problem, NULL);
    }
}

/* That a directory is gone or may not be read is no problem of ours: its reader says so. */
static Watch *fail(Watcher *watcher, int cause)
{
    if (cause == ENOSPC || cause == ENOMEM) {
        auto_free char *problem = text_format("not all directories can be watched: %s", strerror(cause));
        text_replace(&watcher->problem, problem);
    }
    return NULL;
}

/* NULL: it cannot be watched. */
static Watch *add(Watcher *watcher, const char *directory, uint32_t events)
{
    if (watcher->fd < 0) {
        return NULL;
    }
    int descriptor = inotify_add_watch(watcher->fd, directory, events | IN_ONLYDIR | IN_MASK_ADD);
    if (descriptor < 0) {
        return fail(watcher, errno);
    }
    if (watcher->count == WATCHES_MAX && !watch_find(watcher, descriptor)) {
        inotify_rm_watch(watcher->fd, descriptor);
        return fail(watcher, ENOSPC);
    }
    Watch *watch = watch_of(watcher, descriptor);
    if (!watch->named) {
        watch->named = true;
        watch->whole = watch->vague = false;
        forget_names(watch);
    }
    return watch;
}

void watcher_add(Watcher *watcher, const char *directory)
{
    Watch *watch = add(watcher, directory, ENTRY_EVENTS | CONTENT_EVENTS | SELF_EVENTS);
    if (watch) {
        watch->whole = true;
    }
}

static bool names_have(const Watch *watch, const char *name)
{
    if (watch->vague) {
        return true;
    }
    for (size_t i = 0; i < watch->count; i++) {
        if (text_equal(watch->names[i], name)) {
            return true;
        }
    }
    return false;
}

void watcher_add_name(Watcher *watcher, const char *directory, const char *name, bool content)
{
    Watch *watch = add(watcher, directory, ENTRY_EVENTS | (content ? CONTENT_EVENTS : 0));
    if (!watch || names_have(watch, name)) {
        return;
    }
    if (watch->count == NAMES_MAX) {
        watch->vague = true;
    } else {
        array_push(watch->names, watch->count, watch->capacity) = text_copy(name);
    }
}

static void watch_remove(Watcher *watcher, Watch *watch)
{
    forget_names(watch);
    size_t at = (size_t)(watch - watcher->watches);
    watcher->count--;
    memmove(watch, watch + 1, (watcher->count - at) * sizeof *watch);
}

void watcher_end(Watcher *watcher)
{
    for (size_t i = watcher->count; i-- > 0;) {
        if (!watcher->watches[i].named) {
            inotify_rm_watch(watcher->fd, watcher->watches[i].descriptor);
            watch_remove(watcher, &watcher->watches[i]);
        }
    }
}

int watcher_descriptor(const Watcher *watcher)
{
    return watcher->fd;
}

/* name NULL: it may have been about anything. */
static void suspect(Watcher *watcher, const char *name)
{
    watcher->happened = true;
    if (!name || map_count(watcher->suspects) == SUSPECTS_MAX) {
        watcher->all_suspect = true;
    } else if (!map_find(watcher->suspects, name)) {
        map_put(watcher->suspects, name, watcher);
    }
}

static void take_event(Watcher *watcher, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        suspect(watcher, NULL);
        return;
    }
    Watch *watch = watch_find(watcher, event->wd);
    if (!watch) {
        return; /* of one that was removed */
    }
    bool named = event->len > 0 && names_have(watch, event->name);
    if (named || event->len == 0 || (watch->whole && event->mask & IN_ISDIR)) {
        suspect(watcher, NULL);
    } else if (watch->whole) {
        suspect(watcher, event->name);
    }
    if (event->mask & IN_IGNORED) {
        watch_remove(watcher, watch);
    }
}

bool watcher_take(Watcher *watcher)
{
    _Alignas(struct inotify_event) char events[EVENTS_SIZE];
    ssize_t length = watcher->fd >= 0 ? read(watcher->fd, events, sizeof events) : -1;
    for (ssize_t at = 0; at < length;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(events + at);
        take_event(watcher, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    bool happened = watcher->happened;
    watcher->happened = false;
    return happened;
}

bool watcher_suspects(const Watcher *watcher, const char *name)
{
    return watcher->all_suspect || map_find(watcher->suspects, name);
}

void watcher_forget(Watcher *watcher)
{
    watcher->all_suspect = false;
    map_free(watcher->suspects);
    watcher->suspects = map_new(1);
}

const char *watcher_problem(const Watcher *watcher)
{
    return watcher->problem;
}
