/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/actions.h"
#include "base/memory.h"

static void key_release(KeyRecord *key)
{
    free(key->scope);
    free(key->key);
    free(key->digest);
}

void actions_clear(Actions *actions)
{
    Changes *changes = &actions->changes;
    for (size_t i = 0; i < changes->event_count; i++) {
        event_record_release(&changes->events[i]);
    }
    for (size_t i = 0; i < changes->key_count; i++) {
        key_release(&changes->keys[i]);
    }
    for (size_t i = 0; i < changes->definition_count; i++) {
        definition_release(changes->definitions[i].definition);
        free(changes->definitions[i].file);
        free(changes->definitions[i].revision);
    }
    for (size_t i = 0; i < actions->reply_count; i++) {
        free(actions->replies[i].detail);
        parameter_faults_release(&actions->replies[i].faults);
    }
    changes->run_count = changes->sendpost_count = changes->event_count = 0;
    changes->key_count = changes->tick_count = changes->definition_count = changes->retry_count = 0;
    changes->totals = false;
    actions->request_count = actions->reply_count = 0;
}

void actions_release(Actions *actions)
{
    actions_clear(actions);
    free(actions->changes.runs);
    free(actions->changes.sendposts);
    free(actions->changes.events);
    free(actions->changes.keys);
    free(actions->changes.ticks);
    free(actions->changes.retries);
    free(actions->changes.definitions);
    free(actions->requests);
    free(actions->replies);
    *actions = (Actions){0};
}

bool changes_empty(const Changes *changes)
{
    return changes->run_count + changes->sendpost_count + changes->event_count + changes->tick_count +
                   changes->key_count + changes->definition_count + changes->retry_count ==
               0 &&
           !changes->totals;
}
