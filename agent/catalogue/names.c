/* SPDX-License-Identifier: Apache-2.0 */
/* Each name has a claim: the files that want it, and perhaps one that keeps it. A claim that is settled may refuse
 * files; a refused file keeps its last good name, whose claim is then settled again. */
#include "catalogue/names.h"
#include "base/memory.h"
#include "base/text.h"

typedef struct Claim {
    File *wanting; /* a list */
    size_t count;
    File *keeper;       /* broken or refused, with this name in force; NULL */
    const File *before; /* had the name so far; NULL */
    bool queued;
    struct Claim *next;
} Claim;

typedef struct Judging {
    Map *claims;
    Claim *pool; /* two for each file at most */
    size_t used;
    Claim *queue;
} Judging;

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

static void enter(Judging *judging, File *file, const Map *holders)
{
    file->rival = NULL;
    if (!file->current) {
        keep(judging, file);
        return;
    }
    Claim *claim = claim_of(judging, file->current->name);
    file->next = claim->wanting;
    claim->wanting = file;
    claim->count++;
    claim->before = map_find(holders, file->current->name);
    enqueue(judging, claim);
}

static void take_force(File *file)
{
    if (file->current && !file->rival && file->good != file->current) {
        definition_release(file->good);
        file->good = definition_hold(file->current);
    }
}

static void judge_all(Files *files, const Map *holders)
{
    auto_free Claim *pool = memory_new(2 * files->count * sizeof *pool);
    Judging judging = {.claims = map_new(1), .pool = pool};
    for (size_t i = 0; i < files->count; i++) {
        if (files->items[i]->present) {
            enter(&judging, files->items[i], holders);
        }
    }
    while (judging.queue) {
        Claim *claim = judging.queue;
        judging.queue = claim->next;
        claim->queued = false;
        settle(&judging, claim);
    }
    map_free(judging.claims);
}

static Map *holders_of(const Files *files)
{
    Map *holders = map_new(1);
    for (size_t i = 0; i < files->count; i++) {
        File *file = files->items[i];
        if (file->present && file->good) {
            map_put(holders, file->good->name, file);
        }
    }
    return holders;
}

void names_judge(Files *files, Map **holders)
{
    bool unclear = files->unclear;
    files->changed = files->unclear = false;
    if (unclear) {
        judge_all(files, *holders);
    }
    for (size_t i = 0; i < files->count; i++) {
        if (files->items[i]->present) {
            take_force(files->items[i]);
        }
    }
    if (unclear) {
        map_free(*holders);
        *holders = holders_of(files);
    }
}
