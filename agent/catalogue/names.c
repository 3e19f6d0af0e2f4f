/* SPDX-License-Identifier: Apache-2.0 */
/* Each name has a claim: the files that want it, and perhaps one that keeps it. A claim that is settled may refuse
 * files; a refused file keeps its last good name, whose claim is then settled again. All of it is decided beside what
 * is in force, in steps, so that nothing waits for thousands of files. */
#include "catalogue/names.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalogue/renames.h"

typedef struct Claim {
    File *wanting; /* a list */
    size_t count;
    File *keeper;       /* broken or refused, with this name in force; NULL */
    const File *before; /* had the name so far; NULL */
    bool queued;
    struct Claim *next;
} Claim;

enum { STEP_FILES = 1000 };

typedef enum Phase {
    PHASE_ENTER,
    PHASE_COMPARE, /* what is new and broken with what is gone */
    PHASE_RENAME,
    PHASE_SETTLE,
    PHASE_HOLD,
    PHASE_DECIDED
} Phase;

struct Judging {
    Files *files;
    const Map *before; /* the holders */
    Phase phase;
    size_t at; /* file of this phase */
    Map *claims;
    Claim *pool; /* two for each file at most */
    size_t used;
    Claim *queue;
    Renames *renames;
    File *broken; /* a list: those of which nothing was ever good */
    Map *holders;
};

static Claim *claim_of(Judging *judging, const char *name)
{
    Claim *claim = map_find(judging->claims, name);
    if (!claim) {
        claim = &judging->pool[judging->used++];
        map_put(judging->claims, name, claim);
    }
    return claim;
}

static void enqueue(Judging *judging, Claim *claim)
{
    if (!claim->queued) {
        claim->queued = true;
        claim->next = judging->queue;
        judging->queue = claim;
    }
}

static void keep(Judging *judging, File *file)
{
    if (file->good) {
        Claim *claim = claim_of(judging, file->good->name);
        claim->keeper = file;
        enqueue(judging, claim);
    }
}

static void refuse(Judging *judging, File *file, File *rival)
{
    if (!file->rival) {
        file->rival = rival;
        keep(judging, file);
    }
}

static void settle(Judging *judging, Claim *claim)
{
    File *winner = claim->keeper;
    for (File *file = claim->wanting; file && !winner; file = file->next) {
        winner = file == claim->before || claim->count == 1 ? file : NULL;
    }
    for (File *file = claim->wanting; file; file = file->next) {
        if (file != winner) {
            refuse(judging, file, winner ? winner : file->next ? file->next : claim->wanting);
        }
    }
}

static void enter(Judging *judging, File *file)
{
    file->rival = NULL;
    if (!file->present) {
        if (file->good) {
            renames_gone(judging->renames, file);
        }
        return;
    }
    if (!file->current) {
        keep(judging, file);
        if (!file->good) {
            file->next = judging->broken;
            judging->broken = file;
        }
        return;
    }
    Claim *claim = claim_of(judging, file->current->name);
    file->next = claim->wanting;
    claim->wanting = file;
    claim->count++;
    claim->before = map_find(judging->before, file->current->name);
    enqueue(judging, claim);
}

/* What will be in force of it. */
static Definition *decided(const File *file)
{
    return file->current && !file->rival ? file->current : file->good;
}

static void hold(Judging *judging, File *file)
{
    const Definition *definition = file->present ? decided(file) : NULL;
    if (definition) {
        map_put(judging->holders, definition->name, file);
    }
}

/* The phases, a piece of each: false when it is over. */
static bool settle_next(Judging *judging)
{
    Claim *claim = judging->queue;
    if (!claim) {
        return false;
    }
    judging->queue = claim->next;
    claim->queued = false;
    settle(judging, claim);
    return true;
}

static bool compare_next(Judging *judging)
{
    File *broken = judging->broken;
    if (!broken) {
        return false;
    }
    judging->broken = broken->next;
    renames_broken(judging->renames, broken);
    return true;
}

/* Unless a good file has taken the name over. */
static bool rename_next(Judging *judging)
{
    File *gone, *broken;
    if (!renames_next(judging->renames, &gone, &broken)) {
        return false;
    }
    if (!map_find(judging->claims, gone->good->name)) {
        broken->good = definition_hold(gone->good);
        text_replace(&broken->revision, gone->revision);
        keep(judging, broken);
    }
    return true;
}

static bool each_file(Judging *judging, void (*visit)(Judging *, File *))
{
    if (judging->at == judging->files->count) {
        judging->at = 0;
        return false;
    }
    visit(judging, judging->files->items[judging->at++]);
    return true;
}

static bool go_on(Judging *judging)
{
    switch (judging->phase) {
    case PHASE_ENTER:
        return each_file(judging, enter);
    case PHASE_COMPARE:
        return compare_next(judging);
    case PHASE_RENAME:
        return rename_next(judging);
    case PHASE_SETTLE:
        return settle_next(judging);
    default:
        return each_file(judging, hold);
    }
}

Judging *names_begin(Files *files, const Map *holders)
{
    Judging *judging = memory_new(sizeof *judging);
    *judging = (Judging){.files = files, .before = holders};
    if (files->unclear) {
        judging->claims = map_new(1);
        judging->holders = map_new(1);
        judging->renames = renames_new();
        judging->pool = memory_new(2 * files->count * sizeof *judging->pool);
    } else {
        judging->phase = PHASE_DECIDED; /* every file keeps its name */
    }
    return judging;
}

bool names_step(Judging *judging)
{
    for (int i = 0; i < STEP_FILES && judging->phase != PHASE_DECIDED; i++) {
        judging->phase += go_on(judging) ? 0 : 1;
    }
    return judging->phase == PHASE_DECIDED;
}

void names_end(Judging *judging, Map **holders)
{
    Files *files = judging->files;
    invariant(judging->phase == PHASE_DECIDED);
    files->changed = files->unclear = false;
    for (size_t i = 0; i < files->count; i++) {
        File *file = files->items[i];
        Definition *definition = file->present ? decided(file) : file->good;
        if (definition != file->good) {
            if (!file->told && definition) { /* what is remembered counts as told: its name may be retired */
                file->told = memory_steal(&file->good);
            }
            definition_release(file->good);
            file->good = definition_hold(definition);
            file->kept = false;
        }
    }
    if (judging->holders) {
        map_free(*holders);
        *holders = memory_steal(&judging->holders);
    }
    names_free(judging);
}

void names_free(Judging *judging)
{
    if (judging) {
        map_free(judging->claims);
        map_free(judging->holders);
        renames_free(judging->renames);
        free(judging->pool);
        free(judging);
    }
}
