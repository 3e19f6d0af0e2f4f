/* SPDX-License-Identifier: Apache-2.0 */
/* path_resolution(7), component by component. */
#include "catalogue/links.h"
#include "base/memory.h"
#include "base/text.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as the kernel */

typedef struct Way {
    char at[PATH_MAX];   /* where we stand: a directory, "" is / */
    char rest[PATH_MAX]; /* what is still to go */
    int links;
} Way;

/* Takes the first component of the rest. */
static void take_component(Way *way, char name[NAME_MAX + 1])
{
    const char *rest = way->rest + strspn(way->rest, "/");
    size_t length = strcspn(rest, "/");
    length = length > NAME_MAX ? NAME_MAX : length;
    memcpy(name, rest, length);
    name[length] = '\0';
    rest += length;
    rest += strspn(rest, "/");
    memmove(way->rest, rest, strlen(rest) + 1);
}

static void go_up(Way *way)
{
    char *slash = strrchr(way->at, '/');
    if (slash) {
        *slash = '\0';
    }
}

/* Puts a link's target before the rest. */
static bool replace_link(Way *way, const char *target)
{
    char joined[PATH_MAX];
    int length = snprintf(joined, sizeof joined, "%s/%s", target, way->rest);
    if (length >= (int)sizeof joined || ++way->links > LINKS_MAX) {
        return false;
    }
    if (target[0] == '/') {
        way->at[0] = '\0';
    }
    memcpy(way->rest, joined, (size_t)length + 1);
    return true;
}

static bool go_into(Way *way, const char *name)
{
    size_t length = strlen(way->at);
    if (length + strlen(name) + 2 > sizeof way->at) {
        return false;
    }
    snprintf(way->at + length, sizeof way->at - length, "/%s", name);
    return true;
}

static bool step(Way *way, LinkVisitor *visit, void *user)
{
    char name[NAME_MAX + 1], path[PATH_MAX + NAME_MAX + 2], target[PATH_MAX];
    take_component(way, name);
    if (!name[0] || text_equal(name, ".")) {
        return true;
    }
    if (text_equal(name, "..")) {
        go_up(way);
        return true;
    }
    snprintf(path, sizeof path, "%s/%s", way->at, name);
    ssize_t length = readlink(path, target, sizeof target - 1);
    const char *directory = way->at[0] ? way->at : "/";
    bool last = way->rest[strspn(way->rest, "/")] == '\0';
    if (length < 0) {
        if (last) {
            visit(user, directory, name, true);
        }
        return go_into(way, name);
    }
    target[length] = '\0';
    visit(user, directory, name, false);
    return replace_link(way, target);
}

void links_follow(const char *from, const char *path, LinkVisitor *visit, void *user)
{
    auto_free Way *way = memory_new(sizeof *way);
    int at = snprintf(way->at, sizeof way->at, "%s", path[0] == '/' || text_equal(from, "/") ? "" : from);
    int rest = snprintf(way->rest, sizeof way->rest, "%s", path);
    bool fits = at < (int)sizeof way->at && rest < (int)sizeof way->rest;
    while (fits && way->rest[strspn(way->rest, "/")]) {
        fits = step(way, visit, user);
    }
}

void links_follow_entry(const char *from, const char *name, LinkVisitor *visit, void *user)
{
    char target[PATH_MAX];
    auto_free char *path = text_format("%s/%s", from, name);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length >= 0) {
        target[length] = '\0';
        links_follow(from, target, visit, user);
    }
}
