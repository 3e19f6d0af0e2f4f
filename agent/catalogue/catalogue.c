/* SPDX-License-Identifier: Apache-2.0 */
/* When to look, and what becomes of what was seen. A look (scan) counts only if nothing was changed meanwhile, so that
 * half of a change is never taken; a directory that is never quiet is taken as it is after PATIENCE_MS. */
#include "catalogue/catalogue.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalogue/changes.h"
#include "catalogue/git.h"
#include "catalogue/names.h"
#include "catalogue/scan.h"
#include "catalogue/zones.h"
#include "time/clock.h"
#include <string.h>
#include <unistd.h>

enum {
    COMPARE_MS = 10000,      /* the directory is compared at least this often */
    QUIET_MS = 200,          /* changes are taken when nothing has happened for so long */
    PATIENCE_MS = 2000,      /* and after so long in any case */
    GIT_PATIENCE_MS = 10000, /* how long Git's locks are respected */
    GIT_AGAIN_MS = 100,      /* how often they are looked at */
    SLICE_MS = 2,
};

/* What a scan leads to, each a slice of its own. */
typedef enum Step { STEP_NONE, STEP_SCAN, STEP_JUDGE, STEP_REVISION, STEP_TELL, STEP_SETTLE, STEPS } Step;

struct Catalogue {
    char *directory;
    Zones *zones;
    DefinitionSource source;
    Watcher *watcher;
    Files files;
    Map *holders; /* which file has each name */
    Queue queue;
    bool started;
    Step step;

    Scan *scan;
    Git *git;                     /* around the directory, as the scan began; NULL: none */
    char commit[GIT_COMMIT_SIZE]; /* then; "": not known */
    bool trusting;                /* it believes the watcher */
    bool spoiled;                 /* something happened since */
    uint64_t tries;               /* scans begun */
    uint64_t scans;               /* those of them that counted, and the one that goes on */
    uint64_t wanted;              /* the scan that is wanted at once; not more than `scans`: none */
    bool judged;                  /* what is in force was decided anew, and is to be told */
    Judging *judging;             /* while it is */
    size_t changes;               /* that it led to */

    int64_t noticed_at, last_at; /* boot ms: first and last happening since the last scan that counted; 0: none */
    int64_t git_since, git_due;  /* Git is at work, since then; to be looked at again; 0: it is not */
    int64_t compare_due;

    char digest[DIGEST_HEX_SIZE];                  /* of all files; "": not known */
    char *applied, *attempted, *error, *unwatched; /* shown */
    CatalogueStatistics statistics;
};

/* --- life --- */

static bool find_zone(void *user, const char *name, const Zone **zone)
{
    return zones_find(((Catalogue *)user)->zones, name, zone);
}

static bool find_file(void *user, const char *path)
{
    auto_free char *resolved = file_path(((Catalogue *)user)->directory, path);
    return access(resolved, F_OK) == 0;
}

static void show(Catalogue *catalogue)
{
    CatalogueStatistics *statistics = &catalogue->statistics;
    statistics->applied = catalogue->applied;
    statistics->attempted = catalogue->attempted;
    statistics->error = catalogue->error;
    statistics->notices[NOTICE_WATCHING] = catalogue->unwatched;
}

Catalogue *catalogue_new(const char *directory)
{
    Catalogue *catalogue = memory_new(sizeof *catalogue);
    catalogue->directory = text_copy(directory);
    catalogue->zones = zones_new();
    catalogue->source = (DefinitionSource){find_zone, find_file, catalogue};
    catalogue->watcher = watcher_new();
    files_init(&catalogue->files);
    catalogue->holders = map_new(1);
    catalogue->applied = text_copy("");
    catalogue->attempted = text_copy("");
    show(catalogue);
    return catalogue;
}

void catalogue_free(Catalogue *catalogue)
{
    if (!catalogue) {
        return;
    }
    scan_free(catalogue->scan);
    names_free(catalogue->judging);
    git_free(catalogue->git);
    queue_release(&catalogue->queue);
    map_free(catalogue->holders);
    files_release(&catalogue->files);
    watcher_free(catalogue->watcher);
    zones_free(catalogue->zones);
    free(catalogue->directory);
    free(catalogue->applied);
    free(catalogue->attempted);
    free(catalogue->error);
    free(catalogue->unwatched);
    free(catalogue);
}

Definition *catalogue_read_text(Catalogue *catalogue, const char *text, size_t length, Findings *findings)
{
    return definition_read(text, length, &catalogue->source, findings);
}

const CatalogueStatistics *catalogue_statistics(const Catalogue *catalogue)
{
    return &catalogue->statistics;
}

void catalogue_remember(Catalogue *catalogue, const char *name, const char *revision, const char *text, size_t length)
{
    if (catalogue->started && map_find(catalogue->files.by_name, name)) {
        return;
    }
    Findings findings = {0};
    Definition *definition = catalogue_read_text(catalogue, text, length, &findings);
    findings_release(&findings);
    if (catalogue->started) {
        queue_gone(&catalogue->queue, name, definition);
        definition_release(definition);
        return;
    }
    File *file = files_of(&catalogue->files, name);
    file->present = true; /* so that it is told when it turns out to be gone */
    if (definition && !map_find(catalogue->holders, definition->name)) {
        file->good = definition;
        text_replace(&file->revision, revision);
        file->kept = true;
        map_put(catalogue->holders, definition->name, file);
    } else {
        definition_release(definition);
    }
}

void catalogue_remember_applied(Catalogue *catalogue, const char *revision)
{
    text_replace(&catalogue->applied, revision ? revision : "");
    show(catalogue);
}

/* --- when --- */

static void notice(Catalogue *catalogue, int64_t now_ms)
{
    catalogue->noticed_at = catalogue->noticed_at ? catalogue->noticed_at : now_ms;
    catalogue->last_at = now_ms;
}

static int64_t due_at(const Catalogue *catalogue)
{
    int64_t due = catalogue->compare_due;
    if (catalogue->noticed_at) {
        int64_t quiet = catalogue->last_at + QUIET_MS, patience = catalogue->noticed_at + PATIENCE_MS;
        int64_t changed = quiet < patience ? quiet : patience;
        due = changed < due ? changed : due;
    }
    due = catalogue->wanted > catalogue->scans ? 0 : due;
    return due > catalogue->git_due ? due : catalogue->git_due;
}

int64_t catalogue_deadline(const Catalogue *catalogue, Now now)
{
    return catalogue->step == STEP_NONE && queue_empty(&catalogue->queue) ? due_at(catalogue) : now.boot_ms;
}

int catalogue_descriptor(const Catalogue *catalogue)
{
    return watcher_descriptor(catalogue->watcher);
}

uint64_t catalogue_request(Catalogue *catalogue)
{
    return catalogue->wanted = catalogue->scans + 1;
}

/* Whether Git is changing the work tree, and it is worth waiting for. */
static bool git_at_work(Catalogue *catalogue, int64_t now_ms)
{
    catalogue->statistics.notices[NOTICE_LOCK] = NULL;
    if (!catalogue->git || !git_busy(catalogue->git)) {
        catalogue->git_since = catalogue->git_due = 0;
        return false;
    }
    catalogue->git_since = catalogue->git_since ? catalogue->git_since : now_ms;
    if (now_ms - catalogue->git_since < GIT_PATIENCE_MS) {
        catalogue->git_due = now_ms + GIT_AGAIN_MS;
        return true;
    }
    catalogue->git_due = 0;
    catalogue->statistics.notices[NOTICE_LOCK] = "Git's lock file stays: it is no longer waited for";
    return false;
}

/* The commit that is checked out; "": not known. */
static void read_commit(Catalogue *catalogue, char commit[GIT_COMMIT_SIZE])
{
    const char *why = NULL;
    if (!catalogue->git || !git_commit(catalogue->git, commit, &why)) {
        commit[0] = '\0';
    }
    catalogue->statistics.notices[NOTICE_REVISION] = commit[0] ? NULL : why;
}

static void scan_begin(Catalogue *catalogue, Now now)
{
    if (now.boot_ms < due_at(catalogue)) {
        return;
    }
    git_free(catalogue->git);
    catalogue->git = git_find(catalogue->directory);
    if (git_at_work(catalogue, now.boot_ms)) {
        return;
    }
    catalogue->statistics.zones_renewed += zones_refresh(catalogue->zones);
    read_commit(catalogue, catalogue->commit);
    catalogue->spoiled = false;
    catalogue->scans++;
    ScanPlan plan = {
        .directory = catalogue->directory,
        .files = &catalogue->files,
        .watcher = catalogue->watcher,
        .source = &catalogue->source,
        .number = ++catalogue->tries,
        .again = catalogue->wanted == catalogue->scans,
    };
    plan.trusting = catalogue->trusting = !plan.again && now.boot_ms < catalogue->compare_due && !catalogue->unwatched;
    catalogue->scan = scan_new(&plan);
    if (catalogue->git) {
        watcher_add(catalogue->watcher, git_directory(catalogue->git));
    }
    catalogue->step = STEP_SCAN;
}

/* Whether what was seen may be half of a change. */
static bool is_torn(Catalogue *catalogue)
{
    char commit[GIT_COMMIT_SIZE];
    read_commit(catalogue, commit);
    return catalogue->spoiled || scan_torn(catalogue->scan) || !text_equal(commit, catalogue->commit);
}

static void scan_drop(Catalogue *catalogue)
{
    scan_free(catalogue->scan);
    catalogue->scan = NULL;
    catalogue->scans--;
    catalogue->step = STEP_NONE;
}

static void scan_take(Catalogue *catalogue)
{
    const char *problem = scan_problem(catalogue->scan);
    bool failed = scan_failed(catalogue->scan);
    if (!failed) {
        scan_accept(catalogue->scan);
        problem = scan_problem(catalogue->scan);
    }
    text_replace(&catalogue->error, problem);
    text_replace(&catalogue->unwatched, watcher_problem(catalogue->watcher));
    show(catalogue);
    catalogue->step = failed ? STEP_TELL : STEP_JUDGE;
    scan_free(catalogue->scan);
    catalogue->scan = NULL;
}

static void scan_on(Catalogue *catalogue, Now now)
{
    if (!scan_step(catalogue->scan, now.boot_ms + SLICE_MS)) {
        return;
    }
    bool torn = is_torn(catalogue);
    if (torn) {
        notice(catalogue, now.boot_ms);
    }
    if (git_at_work(catalogue, now.boot_ms) || (torn && now.boot_ms - catalogue->noticed_at < PATIENCE_MS)) {
        scan_drop(catalogue);
        return;
    }
    catalogue->noticed_at = catalogue->last_at = 0;
    if (torn) {
        notice(catalogue, now.boot_ms);
    } else {
        watcher_forget(catalogue->watcher);
    }
    if (!catalogue->trusting) {
        catalogue->compare_due = now.boot_ms + COMPARE_MS;
    }
    scan_take(catalogue);
}

/* --- what follows --- */

static void judge(Catalogue *catalogue, Now now)
{
    (void)now;
    if (catalogue->files.changed) {
        catalogue->judging =
            catalogue->judging ? catalogue->judging : names_begin(&catalogue->files, catalogue->holders);
        if (!names_step(catalogue->judging)) {
            return;
        }
        names_end(memory_steal(&catalogue->judging), &catalogue->holders);
        catalogue->judged = true;
    }
    catalogue->step = STEP_REVISION;
}

static void name_revision(Catalogue *catalogue, Now now)
{
    (void)now;
    bool stale = catalogue->judged || !catalogue->digest[0];
    if (stale && catalogue->commit[0]) {
        catalogue->digest[0] = '\0';
    } else if (stale) {
        files_sort(&catalogue->files);
        files_digest(&catalogue->files, catalogue->digest);
    }
    text_replace(&catalogue->attempted, catalogue->commit[0] ? catalogue->commit : catalogue->digest);
    show(catalogue);
    catalogue->step = STEP_TELL;
}

static void count_files(Catalogue *catalogue)
{
    CatalogueStatistics *statistics = &catalogue->statistics;
    statistics->loaded = statistics->broken = 0;
    for (size_t i = 0; i < catalogue->files.count; i++) {
        statistics->loaded += catalogue->files.items[i]->told != NULL;
        statistics->broken += catalogue->files.items[i]->told_fault.message != NULL;
    }
}

static void tell(Catalogue *catalogue, Now now)
{
    (void)now;
    if (catalogue->queue.told == 0) {
        catalogue->queue.pushed = 0;
    }
    if (catalogue->judged || !catalogue->started) {
        if (!queue_differences(&catalogue->queue, &catalogue->files, catalogue->holders, catalogue->attempted)) {
            return;
        }
        files_drop_absent(&catalogue->files);
        count_files(catalogue);
    }
    catalogue->judged = false;
    catalogue->started = true;
    catalogue->changes = catalogue->queue.pushed;
    catalogue->statistics.last_reload_successful = !catalogue->error && catalogue->statistics.broken == 0;
    catalogue->step = STEP_SETTLE;
}

void catalogue_run(Catalogue *catalogue, Now now)
{
    static void (*const steps[STEPS])(Catalogue *, Now) = {
        [STEP_NONE] = scan_begin,        [STEP_SCAN] = scan_on, [STEP_JUDGE] = judge,
        [STEP_REVISION] = name_revision, [STEP_TELL] = tell,
    };
    if (watcher_take(catalogue->watcher)) {
        notice(catalogue, now.boot_ms);
        catalogue->spoiled = true;
    }
    if (steps[catalogue->step]) {
        steps[catalogue->step](catalogue, now);
    }
}

void catalogue_start(Catalogue *catalogue)
{
    catalogue_request(catalogue);
    while (catalogue->step != STEP_SETTLE && !catalogue->git_since) {
        catalogue_run(catalogue, clock_now());
    }
    if (catalogue->step != STEP_SETTLE) {
        while (catalogue->step != STEP_SETTLE) {
            tell(catalogue, clock_now());
        }
        catalogue->step = STEP_NONE;
    }
}

bool catalogue_take(Catalogue *catalogue, CatalogueChange *change)
{
    return queue_take(&catalogue->queue, change);
}

/* What is in force when nothing says that all ever was: the revision of what a broken file had. */
static const char *revision_before(const Catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->files.count; i++) {
        const File *file = catalogue->files.items[i];
        if (file->good && file->good != file->current && file->revision) {
            return file->revision;
        }
    }
    return catalogue->attempted;
}

bool catalogue_settle(Catalogue *catalogue, int64_t now_ms, CatalogueOutcome *outcome)
{
    if (catalogue->step != STEP_SETTLE || !queue_empty(&catalogue->queue)) {
        return false;
    }
    catalogue->step = STEP_NONE;
    CatalogueStatistics *statistics = &catalogue->statistics;
    if (statistics->last_reload_successful) {
        statistics->last_reload_success_at = now_ms;
    }
    if (statistics->last_reload_successful) {
        text_replace(&catalogue->applied, catalogue->attempted);
    } else if (!catalogue->applied[0]) {
        text_replace(&catalogue->applied, revision_before(catalogue));
    }
    show(catalogue);
    bool requested = catalogue->wanted == catalogue->scans;
    *outcome = (CatalogueOutcome){catalogue->scans, requested, catalogue->changes};
    return true;
}

void catalogue_replay(Catalogue *catalogue)
{
    queue_clear(&catalogue->queue);
    for (size_t i = 0; i < catalogue->files.count; i++) {
        File *file = catalogue->files.items[i];
        definition_release(memory_steal(&file->told));
        fault_set(&file->told_fault, NULL, 0, 0);
        file->kept = false;
    }
    while (!queue_differences(&catalogue->queue, &catalogue->files, catalogue->holders, catalogue->attempted)) {
    }
}
