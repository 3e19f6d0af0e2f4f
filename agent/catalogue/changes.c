/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/changes.h"
#include "base/memory.h"
#include "base/text.h"

enum { TOLD_AT_ONCE = 500 }; /* files that are looked at */

static void change_release(QueuedChange *change)
{
    free(change->file);
    free(change->revision);
    free(change->fault.message);
    definition_release(change->definition);
    *change = (QueuedChange){0};
}

void queue_clear(Queue *queue)
{
    for (size_t i = queue->first; i < queue->count; i++) {
        change_release(&queue->items[i]);
    }
    queue->first = queue->count = queue->told = 0;
}

void queue_release(Queue *queue)
{
    queue_clear(queue);
    change_release(&queue->taken);
    free(queue->items);
    *queue = (Queue){0};
}

bool queue_empty(const Queue *queue)
{
    return queue->first == queue->count;
}

bool queue_take(Queue *queue, CatalogueChange *change)
{
    change_release(&queue->taken);
    if (queue_empty(queue)) {
        queue->first = queue->count = 0;
        return false;
    }
    queue->taken = queue->items[queue->first++];
    const QueuedChange *taken = &queue->taken;
    *change = (CatalogueChange){.kind = taken->kind,
                                .file = taken->file,
                                .revision = taken->revision,
                                .definition = taken->definition,
                                .message = taken->fault.message,
                                .line = taken->fault.line,
                                .column = taken->fault.column,
                                .kept = taken->kept};
    return true;
}

static QueuedChange *push(Queue *queue, CatalogueChangeKind kind, const char *file)
{
    array_push(queue->items, queue->count, queue->capacity) = (QueuedChange){.kind = kind, .file = text_copy(file)};
    queue->pushed++;
    return &queue->items[queue->count - 1];
}

void queue_gone(Queue *queue, const char *file, Definition *last)
{
    QueuedChange *change = push(queue, CATALOGUE_GONE, file);
    change->definition = last ? definition_hold(last) : NULL;
}

static void tell_loaded(Queue *queue, File *file, const Map *holders, const char *revision)
{
    /* The name that the file had, if nobody has it now, is retired first. */
    if (file->told && !text_equal(file->told->name, file->good->name) && !map_find(holders, file->told->name)) {
        queue_gone(queue, file->name, file->told);
    }
    if ((file->good == file->current || !file->revision) && !text_equal(file->revision, revision)) {
        text_replace(&file->revision, revision);
        file->kept = false;
    }
    QueuedChange *change = push(queue, CATALOGUE_LOADED, file->name);
    change->definition = definition_hold(file->good);
    change->revision = text_copy(file->revision);
    change->kept = file->kept;
    definition_release(file->told);
    file->told = definition_hold(file->good);
    fault_set(&file->told_fault, NULL, 0, 0);
}

static void tell_broken(Queue *queue, File *file, const Fault *fault)
{
    QueuedChange *change = push(queue, CATALOGUE_BROKEN, file->name);
    fault_set(&change->fault, fault->message, fault->line, fault->column);
    fault_set(&file->told_fault, fault->message, fault->line, fault->column);
}

static void tell(Queue *queue, File *file, const Map *holders, const char *revision)
{
    auto_free char *refusal = NULL;
    Fault fault = {0};
    if (!file->current) {
        fault = file->fault;
    } else if (file->rival) {
        refusal = text_format("the name '%s' is used by %s too", file->current->name, file->rival->name);
        fault = (Fault){refusal, 1, 1};
    }
    bool mended = file->told_fault.message && !fault.message;
    if (file->good && (file->told != file->good || mended)) {
        tell_loaded(queue, file, holders, revision);
    }
    if (fault.message && !fault_equal(&fault, &file->told_fault)) {
        tell_broken(queue, file, &fault);
    }
}

bool queue_differences(Queue *queue, Files *files, const Map *holders, const char *revision)
{
    files_sort(files);
    for (int i = 0; i < TOLD_AT_ONCE && queue->told < 2 * files->count; i++, queue->told++) {
        bool second = queue->told >= files->count;
        File *file = files->items[second ? queue->told - files->count : queue->told];
        if (!second && file->present) {
            tell(queue, file, holders, revision);
        } else if (second && !file->present) {
            queue_gone(queue, file->name, file->good);
            files_forget(files, file);
        }
    }
    bool done = queue->told == 2 * files->count;
    queue->told = done ? 0 : queue->told;
    return done;
}
