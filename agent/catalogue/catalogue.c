/* SPDX-License-Identifier: Apache-2.0 */
/* A scan compares what is there with what is known and reads only what differs. A file that turns out to be broken
 * keeps its last good definition; of two files with one name the one that was there first keeps it. */
#include "catalogue/catalogue.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalogue/zones.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct File {
    char *name;
    struct stat status;           /* when it was read */
    bool seen, read;              /* in this scan; ever */
    char digest[DIGEST_HEX_SIZE]; /* of its bytes as they are */
    Definition *definition;       /* last good one; NULL */
    bool announced;               /* LOADED was queued for it */
    char *error;                  /* what is wrong with it now; NULL: nothing */
    int line, column;
} File;

typedef struct QueuedChange {
    CatalogueChangeKind kind;
    char *file, *message;
    Definition *definition; /* a reference */
    int line, column;
} QueuedChange;

struct Catalogue {
    char *directory;
    Zones *zones;
    DefinitionSource source;
    File **files; /* by name */
    size_t count, capacity;
    QueuedChange *queue;
    size_t queue_first, queue_count, queue_capacity;
    QueuedChange taken; /* given out last */
    char *applied, *attempted, *error;
    CatalogueStatistics statistics;
};

static bool find_zone(void *user, const char *name, const Zone **zone)
{
    return zones_find(((Catalogue *)user)->zones, name, zone);
}

static bool find_file(void *user, const char *path)
{
    auto_free char *resolved = file_path(((Catalogue *)user)->directory, path);
    return access(resolved, F_OK) == 0;
}

Catalogue *catalogue_new(const char *directory)
{
    Catalogue *catalogue = memory_new(sizeof *catalogue);
    catalogue->directory = text_copy(directory);
    catalogue->zones = zones_new();
    catalogue->source = (DefinitionSource){find_zone, find_file, catalogue};
    catalogue->applied = text_copy("");
    catalogue->attempted = text_copy("");
    return catalogue;
}

static void change_release(QueuedChange *change)
{
    free(change->file);
    free(change->message);
    definition_release(change->definition);
    *change = (QueuedChange){0};
}

static void file_free(File *file)
{
    definition_release(file->definition);
    free(file->name);
    free(file->error);
    free(file);
}

void catalogue_free(Catalogue *catalogue)
{
    if (!catalogue) {
        return;
    }
    for (size_t i = 0; i < catalogue->count; i++) {
        file_free(catalogue->files[i]);
    }
    for (size_t i = catalogue->queue_first; i < catalogue->queue_count; i++) {
        change_release(&catalogue->queue[i]);
    }
    change_release(&catalogue->taken);
    zones_free(catalogue->zones);
    free(catalogue->files);
    free(catalogue->queue);
    free(catalogue->directory);
    free(catalogue->applied);
    free(catalogue->attempted);
    free(catalogue->error);
    free(catalogue);
}

static void enqueue(Catalogue *catalogue, CatalogueChangeKind kind, const File *file)
{
    QueuedChange change = {.kind = kind, .file = text_copy(file->name)};
    if (kind == CATALOGUE_LOADED) {
        change.definition = definition_hold(file->definition);
    } else if (kind == CATALOGUE_BROKEN) {
        change.message = text_copy(file->error);
        change.line = file->line;
        change.column = file->column;
    }
    array_push(catalogue->queue, catalogue->queue_count, catalogue->queue_capacity) = change;
}

bool catalogue_take(Catalogue *catalogue, CatalogueChange *change)
{
    change_release(&catalogue->taken);
    if (catalogue->queue_first == catalogue->queue_count) {
        catalogue->queue_first = catalogue->queue_count = 0;
        return false;
    }
    catalogue->taken = catalogue->queue[catalogue->queue_first++];
    const QueuedChange *taken = &catalogue->taken;
    *change = (CatalogueChange){taken->kind,    taken->file, catalogue->attempted, taken->definition,
                                taken->message, taken->line, taken->column};
    return true;
}

static size_t file_index(const Catalogue *catalogue, const char *name)
{
    size_t low = 0, high = catalogue->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(catalogue->files[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static File *file_of(Catalogue *catalogue, const char *name)
{
    size_t at = file_index(catalogue, name);
    if (at < catalogue->count && text_equal(catalogue->files[at]->name, name)) {
        return catalogue->files[at];
    }
    File *file = memory_new(sizeof *file);
    file->name = text_copy(name);
    array_push(catalogue->files, catalogue->count, catalogue->capacity) = file;
    memmove(&catalogue->files[at + 1], &catalogue->files[at], (catalogue->count - 1 - at) * sizeof *catalogue->files);
    catalogue->files[at] = file;
    return file;
}

void catalogue_remember(Catalogue *catalogue, const char *name, const char *text, size_t length)
{
    Findings findings = {0};
    Definition *definition = catalogue_read_text(catalogue, text, length, &findings);
    findings_release(&findings);
    if (definition) {
        File *file = file_of(catalogue, name);
        definition_release(file->definition);
        file->definition = definition;
    }
}

Definition *catalogue_read_text(Catalogue *catalogue, const char *text, size_t length, Findings *findings)
{
    return definition_read(text, length, &catalogue->source, findings);
}

const DefinitionSource *catalogue_source(Catalogue *catalogue)
{
    return &catalogue->source;
}

const CatalogueStatistics *catalogue_statistics(const Catalogue *catalogue)
{
    return &catalogue->statistics;
}

static void file_break(Catalogue *catalogue, File *file, int line, int column, const char *message)
{
    bool same = text_equal(file->error, message) && file->line == line && file->column == column;
    text_replace(&file->error, message);
    file->line = line;
    file->column = column;
    if (file->definition && !file->announced) { /* what the journal remembers of it */
        file->announced = true;
        enqueue(catalogue, CATALOGUE_LOADED, file);
    }
    if (!same) {
        enqueue(catalogue, CATALOGUE_BROKEN, file);
    }
}

static void file_accept(Catalogue *catalogue, File *file, Definition *definition)
{
    bool renamed = file->announced && !text_equal(file->definition->name, definition->name);
    bool same = file->announced && !file->error && text_equal(file->definition->sha256, definition->sha256);
    if (renamed) {
        enqueue(catalogue, CATALOGUE_GONE, file);
    }
    definition_release(file->definition);
    file->definition = definition;
    file->announced = true;
    text_replace(&file->error, NULL);
    if (!same) {
        enqueue(catalogue, CATALOGUE_LOADED, file);
    }
}

/* A file read in this scan, with what it says; sorted out when all have been read, as names must be unique. */
typedef struct Candidate {
    File *file;
    Definition *definition; /* NULL: broken */
    char *message;
    int line, column;
} Candidate;

static bool status_equal(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool candidate_read(Catalogue *catalogue, File *file, Candidate *candidate)
{
    auto_free char *path = text_format("%s/%s", catalogue->directory, file->name);
    struct stat status;
    if (stat(path, &status) != 0) {
        file->seen = false; /* gone since it was listed */
        return false;
    }
    if (file->read && status_equal(&status, &file->status)) {
        return false;
    }
    *candidate = (Candidate){.file = file, .line = 1, .column = 1};
    auto_buffer text;
    buffer_init(&text, DOCUMENT_SIZE_MAX);
    Error error = {0};
    if (!file_read(path, DOCUMENT_SIZE_MAX, &text, &error)) {
        candidate->message = text_copy(error.text);
        return true;
    }
    file->status = status;
    file->read = true;
    digest_sha256_hex(text.bytes, text.length, file->digest);
    Findings findings = {0};
    candidate->definition = catalogue_read_text(catalogue, text.bytes, text.length, &findings);
    const Finding *first = findings_first_error(&findings);
    if (first) {
        candidate->message = text_copy(first->message);
        candidate->line = first->line;
        candidate->column = first->column;
    }
    findings_release(&findings);
    return true;
}

/* The file whose sendpost this name is already: loaded before, and there still. */
static const File *holder_of(const Map *holders, const Candidate *candidate)
{
    const File *holder = map_find(holders, candidate->definition->name);
    return holder && holder != candidate->file && holder->seen ? holder : NULL;
}

static Map *holders_of(const Catalogue *catalogue)
{
    Map *holders = map_new(1);
    for (size_t i = 0; i < catalogue->count; i++) {
        File *file = catalogue->files[i];
        if (file->definition && file->announced && file->seen) {
            map_put(holders, file->definition->name, file);
        }
    }
    return holders;
}

/* Two new files with one name: both are refused. */
static Map *counts_of(Candidate *candidates, size_t count)
{
    Map *counts = map_new(1);
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].definition) {
            Candidate *first = map_find(counts, candidates[i].definition->name);
            map_put(counts, candidates[i].definition->name, first ? first : &candidates[i]);
        }
    }
    return counts;
}

static const File *rival_of(const Candidate *candidates, size_t count, const Candidate *candidate, const Map *firsts)
{
    const Candidate *first = map_find(firsts, candidate->definition->name);
    if (first != candidate) {
        return first->file;
    }
    for (size_t i = 0; i < count; i++) {
        const Candidate *other = &candidates[i];
        if (other > candidate && other->definition &&
            text_equal(other->definition->name, candidate->definition->name)) {
            return other->file;
        }
    }
    return NULL;
}

static void candidate_apply(Catalogue *catalogue, Candidate *candidate, const File *rival)
{
    if (candidate->definition && rival) {
        auto_free char *message =
            text_format("the name '%s' is used by %s too", candidate->definition->name, rival->name);
        file_break(catalogue, candidate->file, 1, 1, message);
        candidate->file->read = false; /* looked at again: the other may go */
    } else if (candidate->definition) {
        file_accept(catalogue, candidate->file, definition_hold(candidate->definition));
    } else {
        file_break(catalogue, candidate->file, candidate->line, candidate->column, candidate->message);
    }
}

static void candidates_apply(Catalogue *catalogue, Candidate *candidates, size_t count)
{
    Map *holders = holders_of(catalogue), *firsts = counts_of(candidates, count);
    for (size_t i = 0; i < count; i++) {
        Candidate *candidate = &candidates[i];
        const File *rival = NULL;
        if (candidate->definition) {
            const File *own = map_find(holders, candidate->definition->name);
            rival = own == candidate->file ? NULL : holder_of(holders, candidate);
            rival = rival || own == candidate->file ? rival : rival_of(candidates, count, candidate, firsts);
        }
        candidate_apply(catalogue, candidate, rival);
    }
    for (size_t i = 0; i < count; i++) {
        definition_release(candidates[i].definition);
        free(candidates[i].message);
    }
    map_free(holders);
    map_free(firsts);
}

static void drop_unseen(Catalogue *catalogue)
{
    size_t kept = 0;
    for (size_t i = 0; i < catalogue->count; i++) {
        File *file = catalogue->files[i];
        if (file->seen) {
            catalogue->files[kept++] = file;
            continue;
        }
        enqueue(catalogue, CATALOGUE_GONE, file);
        file_free(file);
    }
    catalogue->count = kept;
}

static char *revision_of(const Catalogue *catalogue)
{
    char *commit = catalogue_git_commit(catalogue->directory);
    if (commit) {
        return commit;
    }
    auto_buffer text;
    buffer_init(&text, (size_t)DEFINITIONS_MAX * (DIGEST_HEX_SIZE + PATH_MAX_LENGTH * 8));
    for (size_t i = 0; i < catalogue->count; i++) {
        buffer_format(&text, "%s %s\n", catalogue->files[i]->digest, catalogue->files[i]->name);
    }
    char hex[DIGEST_HEX_SIZE];
    digest_sha256_hex(text.bytes ? text.bytes : "", text.length, hex);
    return text_copy(hex);
}

static void account(Catalogue *catalogue, int64_t now_ms)
{
    CatalogueStatistics *statistics = &catalogue->statistics;
    statistics->loaded = statistics->broken = 0;
    for (size_t i = 0; i < catalogue->count; i++) {
        statistics->loaded += catalogue->files[i]->definition && catalogue->files[i]->announced;
        statistics->broken += catalogue->files[i]->error != NULL;
    }
    statistics->last_reload_successful = statistics->broken == 0;
    if (statistics->last_reload_successful) {
        statistics->last_reload_success_at = now_ms;
    }
    if (statistics->last_reload_successful || !catalogue->applied[0]) {
        text_replace(&catalogue->applied, catalogue->attempted);
    }
    statistics->applied = catalogue->applied;
    statistics->attempted = catalogue->attempted;
    statistics->error = NULL;
}

bool catalogue_scan(Catalogue *catalogue, int64_t now_ms, Error *error)
{
    char **names = NULL;
    size_t name_count = 0, count = 0;
    Error failed = {0};
    if (!catalogue_list(catalogue->directory, &names, &name_count, &failed)) {
        text_replace(&catalogue->error, failed.text);
        catalogue->statistics.error = catalogue->error;
        catalogue->statistics.last_reload_successful = false;
        catalogue->statistics.applied = catalogue->applied;
        catalogue->statistics.attempted = catalogue->attempted;
        return error_set(error, failed.kind, "%s", failed.text);
    }
    for (size_t i = 0; i < catalogue->count; i++) {
        catalogue->files[i]->seen = false;
    }
    for (size_t i = 0; i < name_count; i++) {
        file_of(catalogue, names[i])->seen = true;
        free(names[i]);
    }
    free(names);
    auto_free Candidate *candidates = memory_new(catalogue->count * sizeof *candidates);
    for (size_t i = 0; i < catalogue->count; i++) {
        File *file = catalogue->files[i];
        count += file->seen && candidate_read(catalogue, file, &candidates[count]);
    }
    drop_unseen(catalogue); /* before what is new: a name may have moved to another file */
    char *revision = revision_of(catalogue);
    free(catalogue->attempted);
    catalogue->attempted = revision;
    candidates_apply(catalogue, candidates, count);
    account(catalogue, now_ms);
    return true;
}

void catalogue_replay(Catalogue *catalogue)
{
    for (size_t i = catalogue->queue_first; i < catalogue->queue_count; i++) {
        change_release(&catalogue->queue[i]);
    }
    catalogue->queue_first = catalogue->queue_count = 0;
    for (size_t i = 0; i < catalogue->count; i++) {
        const File *file = catalogue->files[i];
        if (file->definition && file->announced) {
            enqueue(catalogue, CATALOGUE_LOADED, file);
        }
        if (file->error) {
            enqueue(catalogue, CATALOGUE_BROKEN, file);
        }
    }
}
