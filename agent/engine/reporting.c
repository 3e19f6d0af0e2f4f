/* SPDX-License-Identifier: Apache-2.0 */
/* A failure explains itself: before the end of a failed stage is shown to anybody, Prefect is asked which task failed
 * and what its author logged. Task runs may arrive late, so the question is repeated until the report is complete or 10
 * s old. */
#include "base/memory.h"
#include "engine/internal.h"
#include "engine/links.h"

Failure *failure_of_stage(const Engine *engine, const Run *run, int node)
{
    const Stage *stage = &run->stages[node];
    const AttemptRecord *attempt = stage_attempt(stage);
    Failure *failure = memory_new(sizeof *failure);
    failure->stage = text_copy(run->definition->nodes[node].path);
    failure->reason = stage->record.reason;
    failure->message = text_copy(stage->record.message);
    failure->logs = text_copy("[]");
    if (attempt && attempt->flow_run_id) {
        failure->flow_run_id = text_copy(attempt->flow_run_id);
        failure->flow_run_url = flow_run_url(engine->ui_url, attempt->flow_run_id);
    }
    return failure;
}

void reporting_begin(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    const AttemptRecord *attempt = stage_attempt(stage);
    if (stage->record.phase != PHASE_REPORTING) {
        stage_set_phase(turn, run, node, PHASE_REPORTING);
    }
    stage->deadline = deadline_since(turn->now, attempt->end_seen_at, REPORT_WAIT_MS);
    stage->due = turn->now.boot_ms;
    failure_free(stage->failure);
    stage->failure = failure_of_stage(turn->engine, run, node);
    stage->failure->reason = attempt->reason;
    text_replace(&stage->failure->message, attempt->message);
}

static void report_publish(Turn *turn, Run *run, int node)
{
    const AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    auto_free char *message = text_copy(attempt->message);
    stage_finish(turn, run, node, attempt->state, attempt->reason, message);
}

bool reporting_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (turn->now.boot_ms >= stage->deadline) {
        report_publish(turn, run, node);
        return true;
    }
    if (!stage->in_flight && stage->due != TIME_NEVER && turn->now.boot_ms >= stage->due) {
        stage->in_flight = true;
        stage->due = TIME_NEVER;
        turn_request(turn, REQUEST_REPORT, run, node)->flow_run_id = stage->failure->flow_run_id;
    }
    return false;
}

static void report_keep(Failure *failure, const Report *report)
{
    if (report->task_name) {
        text_replace(&failure->task_name, report->task_name);
        text_replace(&failure->task_message, report->task_message);
    }
    if (report->logs) {
        text_replace(&failure->logs, report->logs);
    }
}

void reported_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer)
{
    Stage *stage = &run->stages[node];
    if (stage->record.phase != PHASE_REPORTING || !stage->in_flight) {
        return;
    }
    stage->in_flight = false;
    stage->due = turn->now.boot_ms + REPORT_AGAIN_MS;
    if (answer->outcome == OUTCOME_OK) {
        report_keep(stage->failure, &answer->report);
        if (answer->report.complete) {
            report_publish(turn, run, node);
        }
    } else if (answer->outcome != OUTCOME_UNKNOWN) {
        report_publish(turn, run, node);
    }
}
