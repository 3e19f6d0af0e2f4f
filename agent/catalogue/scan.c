/* SPDX-License-Identifier: Apache-2.0 */
/* First the names and stamps of all files, then the content of those that differ, then a look whether the directories
 * and links are still the same: if so, what was seen was there at one time. */
#include "catalogue/scan.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalogue/links.h"
#include "catalogue/listing.h"
#include "time/clock.h"
#include <string.h>
#include <unistd.h>

enum { READ_TRIES = 3, ENTRIES_UNTIL_CLOCK = 16 };

/* A directory or link that was passed: what it was then. */
typedef struct Place {
    char *path;
    bool follow;
    Stamp stamp;
} Place;

/* A file to be read: what it was when it was listed. */
typedef struct Differing {
    File *file;
    Stamp stamp;
} Differing;

typedef enum ScanPhase { PHASE_LIST, PHASE_READ, PHASE_COMPARE, PHASE_DONE } ScanPhase;

struct Scan {
    ScanPlan plan;
    ScanPhase phase;
    Listing *listing;
    char *linked, *real; /* the directory of the last link, as named and without links */
    Map *links;          /* paths of those that are a place already */
    Map *unknown;        /* names that cannot be looked behind: what is known there stays */
    Place *places;
    size_t place_count, place_capacity, compared;
    Differing *differing;
    size_t differing_count, differing_capacity, read_count;
    bool failed, torn;
    char *problem;
};

static void add_place(Scan *scan, const char *path, bool follow, Stamp stamp)
{
    array_push(scan->places, scan->place_count, scan->place_capacity) = (Place){text_copy(path), follow, stamp};
}

/* Links on the way to the directory, and of links in it. */
static void link_passed(void *user, const char *directory, const char *name, bool end)
{
    Scan *scan = user;
    watcher_add_name(scan->plan.watcher, directory, name, end);
    auto_free char *path = text_format("%s/%s", directory, name);
    if (!end && !map_find(scan->links, path)) {
        map_put(scan->links, path, scan);
        add_place(scan, path, false, stamp_of_path(path, false));
    }
}

/* The directory's own end is watched as a whole; here it is the name in its parent that matters. */
static void root_link_passed(void *user, const char *directory, const char *name, bool end)
{
    Scan *scan = user;
    watcher_add_name(scan->plan.watcher, directory, name, false);
    if (!end) {
        link_passed(user, directory, name, false);
    }
}

static bool is_trusted(void *user, const char *name, const char *entry)
{
    const ScanPlan *plan = user;
    const File *file = watcher_suspects(plan->watcher, entry) ? NULL : map_find(plan->files->by_name, name);
    return file && file->present && file->read;
}

Scan *scan_new(const ScanPlan *plan)
{
    Scan *scan = memory_new(sizeof *scan);
    scan->plan = *plan;
    scan->links = map_new(1);
    scan->unknown = map_new(1);
    scan->listing = listing_new(plan->directory, plan->trusting ? is_trusted : NULL, &scan->plan);
    watcher_begin(plan->watcher);
    auto_free char *here = getcwd(NULL, 0);
    links_follow(here ? here : "", plan->directory, root_link_passed, scan);
    return scan;
}

void scan_free(Scan *scan)
{
    if (!scan) {
        return;
    }
    for (size_t i = 0; i < scan->place_count; i++) {
        free(scan->places[i].path);
    }
    listing_free(scan->listing);
    map_free(scan->links);
    map_free(scan->unknown);
    free(scan->linked);
    free(scan->real);
    free(scan->places);
    free(scan->differing);
    free(scan->problem);
    free(scan);
}

/* --- list --- */

static void follow_link(Scan *scan, const char *path)
{
    const char *slash = strrchr(path, '/');
    auto_free char *directory = text_copy_length(path, (size_t)(slash - path));
    if (!text_equal(directory, scan->linked)) {
        free(scan->real);
        scan->real = realpath(directory, NULL);
        text_replace(&scan->linked, directory);
    }
    if (scan->real) {
        watcher_add_name(scan->plan.watcher, scan->real, slash + 1, false);
        links_follow_entry(scan->real, slash + 1, link_passed, scan);
    }
}

static void listed_file(Scan *scan, const Listed *listed)
{
    File *file = files_of(scan->plan.files, listed->name);
    file->seen = scan->plan.number;
    bool broken = scan->plan.again && !file->current;
    if (listed->trusted) {
        return;
    }
    if (!file->read || broken || !stamp_equal(&file->stamp, &listed->stamp)) {
        array_push(scan->differing, scan->differing_count, scan->differing_capacity) = (Differing){file, listed->stamp};
    }
}

static void listed_failure(Scan *scan, const Listed *listed)
{
    scan->failed = scan->failed || !listed->name[0];
    if (!scan->problem) {
        scan->problem = text_copy(listed->error.text);
    }
    map_put(scan->unknown, listed->name, scan);
}

static void list_one(Scan *scan)
{
    Listed listed;
    switch (listing_next(scan->listing, &listed)) {
    case LISTED_DIRECTORY:
        watcher_add(scan->plan.watcher, listed.path);
        add_place(scan, listed.path, true, listed.stamp);
        break;
    case LISTED_FILE:
        listed_file(scan, &listed);
        break;
    case LISTED_DANGLING:
        map_put(scan->unknown, listed.name, scan);
        break;
    case LISTED_FAILURE:
        listed_failure(scan, &listed);
        break;
    case LISTED_VANISHED:
        scan->torn = true;
        break;
    case LISTED_END:
        watcher_end(scan->plan.watcher);
        scan->phase = scan->failed ? PHASE_DONE : PHASE_READ;
        return;
    }
    if (listed.link) {
        follow_link(scan, listed.path);
    }
}

/* --- read --- */

static void file_says(Scan *scan, File *file, Definition *definition, const Fault *fault)
{
    Files *files = scan->plan.files;
    if (definition != file->current || !fault_equal(fault, &file->fault)) {
        files->changed = true;
        bool keeps = definition && file->current && file->current == file->good;
        files->unclear = files->unclear || !keeps || !text_equal(definition->name, file->good->name);
    }
    definition_release(file->current);
    file->current = definition;
    fault_set(&file->fault, fault->message, fault->line, fault->column);
}

static void parse(Scan *scan, File *file, const Buffer *text)
{
    char digest[DIGEST_HEX_SIZE];
    digest_sha256_hex(text->bytes, text->length, digest);
    memcpy(file->digest, digest, sizeof digest);
    Definition *known[] = {file->current, file->good};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i] && text_equal(known[i]->sha256, digest)) {
            file_says(scan, file, definition_hold(known[i]), &(Fault){0});
            return;
        }
    }
    Findings findings = {0};
    Definition *definition = definition_read(text->bytes, text->length, scan->plan.source, &findings);
    const Finding *first = definition ? NULL : findings_first_error(&findings);
    Fault fault = first ? (Fault){first->message, first->line, first->column} : (Fault){0};
    free(file->said_name);
    file->said_name = definition ? NULL : definition_name_told(text->bytes, text->length);
    file_says(scan, file, definition, &fault);
    findings_release(&findings);
}

/* stamp: as it was last seen, and then as it is. False: it was written to meanwhile. */
static bool read_whole(Scan *scan, File *file, const char *path, Stamp *stamp)
{
    auto_buffer text;
    buffer_init(&text, DOCUMENT_SIZE_MAX);
    Error error = {0};
    bool read = file_read(path, DOCUMENT_SIZE_MAX, &text, &error);
    Stamp before = *stamp, after = stamp_of_path(path, true);
    *stamp = after;
    if (!stamp_equal(&before, &after)) {
        return false;
    }
    file->read = read;
    file->stamp = after;
    if (read) {
        parse(scan, file, &text);
    } else {
        file->digest[0] = '\0';
        file_says(scan, file, NULL, &(Fault){error.text, 1, 1});
    }
    return true;
}

static void read_one(Scan *scan)
{
    if (scan->read_count == scan->differing_count) {
        scan->phase = PHASE_COMPARE;
        return;
    }
    Differing *differing = &scan->differing[scan->read_count++];
    File *file = differing->file;
    auto_free char *path = text_format("%s/%s", scan->plan.directory, file->name);
    for (int tries = 0; tries < READ_TRIES; tries++) {
        if (read_whole(scan, file, path, &differing->stamp)) {
            return;
        }
    }
    file->read = false;
    scan->torn = true;
}

/* --- compare --- */

static void compare_one(Scan *scan)
{
    if (scan->compared == scan->place_count) {
        scan->phase = PHASE_DONE;
        return;
    }
    const Place *place = &scan->places[scan->compared++];
    Stamp now = stamp_of_path(place->path, place->follow);
    scan->torn = scan->torn || !stamp_equal(&now, &place->stamp);
}

bool scan_step(Scan *scan, int64_t until_ms)
{
    for (int done = 1; scan->phase != PHASE_DONE; done++) {
        bool reads = scan->phase == PHASE_READ;
        if (scan->phase == PHASE_LIST) {
            list_one(scan);
        } else if (reads) {
            read_one(scan);
        } else {
            compare_one(scan);
        }
        if ((reads || done % ENTRIES_UNTIL_CLOCK == 0) && clock_now().boot_ms >= until_ms) {
            break;
        }
    }
    return scan->phase == PHASE_DONE;
}

/* --- results --- */

bool scan_failed(const Scan *scan)
{
    return scan->failed;
}

const char *scan_problem(const Scan *scan)
{
    return scan->problem;
}

bool scan_torn(const Scan *scan)
{
    return scan->torn;
}

/* Whether the file, or a directory above it, could not be looked at. */
static bool is_unknown(const Scan *scan, const char *name)
{
    if (map_count(scan->unknown) == 0) {
        return false;
    }
    auto_free char *path = text_copy(name);
    for (char *slash = path + strlen(path); slash; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (map_find(scan->unknown, path)) {
            return true;
        }
    }
    return false;
}

static void accept(Scan *scan, File *file)
{
    bool present = file->seen == scan->plan.number;
    if (!present && file->present && is_unknown(scan, file->name)) {
        present = true;
        if (!scan->problem) {
            scan->problem =
                text_format("%s/%s: a symbolic link on its way leads nowhere", scan->plan.directory, file->name);
        }
    }
    if (present != file->present) {
        scan->plan.files->changed = scan->plan.files->unclear = true;
    }
    file->present = present;
}

void scan_accept(Scan *scan)
{
    for (size_t i = 0; i < scan->plan.files->count; i++) {
        accept(scan, scan->plan.files->items[i]);
    }
}
