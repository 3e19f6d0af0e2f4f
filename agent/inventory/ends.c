/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/ends.h"
#include "base/text.h"
#include "time/instant.h"
#include <string.h>

const char *const end_state_names[END_STATES] = {"completed", "failed", "crashed", "cancelled"};
const char *const end_state_types[END_STATES] = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"};
const int end_duration_bucket_seconds[END_DURATION_BUCKETS] = {5, 15, 60, 300, 900, 3600, 14400, 43200};

static bool read_id(const Json *flow_run, const char *name, char id[UUID_SIZE])
{
    const char *text = json_member_text(flow_run, name);
    if (!text || !text_is_uuid(text)) {
        return false;
    }
    memcpy(id, text, UUID_SIZE);
    return true;
}

static bool read_state(const Json *flow_run, EndedRun *run)
{
    const char *type = json_member_text(flow_run, "state_type");
    int state = 0;
    while (state < END_STATES && !text_equal(end_state_types[state], type)) {
        state++;
    }
    run->state = (EndState)state;
    return state < END_STATES;
}

/* What never ran has no end in Prefect before 3.6.14: its last state's time is its end. */
static bool read_times(const Json *flow_run, EndedRun *run)
{
    int64_t started_at = 0, ended_at = 0, state_at = 0;
    if (!instant_read(json_member(flow_run, "start_time"), &started_at) ||
        !instant_read(json_member(flow_run, "end_time"), &ended_at) ||
        !instant_read(json_member(json_member(flow_run, "state"), "timestamp"), &state_at)) {
        return false;
    }
    bool ran = started_at && ended_at;
    run->ended_at = ended_at ? ended_at : state_at;
    run->duration_ms = !ran ? -1 : ended_at > started_at ? ended_at - started_at : 0;
    return run->ended_at > 0;
}

bool ended_run_read(const Json *flow_run, EndedRun *run)
{
    *run = (EndedRun){0};
    read_id(flow_run, "deployment_id", run->deployment_id);
    return read_id(flow_run, "id", run->id) && read_state(flow_run, run) && read_times(flow_run, run);
}

void end_totals_count(EndTotals *totals, const EndedRun *run)
{
    totals->ended[run->state]++;
    if (run->state != END_COMPLETED || run->duration_ms < 0) {
        return;
    }
    int bucket = 0;
    while (bucket < END_DURATION_BUCKETS && run->duration_ms > (int64_t)end_duration_bucket_seconds[bucket] * 1000) {
        bucket++;
    }
    totals->duration_counts[bucket]++;
    totals->duration_sum_ms += run->duration_ms;
}
