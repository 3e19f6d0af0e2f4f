/* SPDX-License-Identifier: Apache-2.0 */
/* An `observe` stage: which flow run of a deployment, started by somebody else, decides? The newest within the window
 * that matches. A completed one passes, an active one is followed, a bad end or none is waited on until `wait` is over.
 */
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"
#include <string.h>

enum { COMPARED_VALUE_MAX = 1 << 20 };

static int64_t window_start(const Run *run, int node)
{
    const Node *definition = &run->definition->nodes[node];
    TemplateContext context = run_context(run);
    return definition->within_today ? run_day_start_ms(&context, 0) : run->record.for_at - definition->within_ms;
}

static int64_t window_end(const Run *run, int node)
{
    TemplateContext context = run_context(run);
    return run->definition->nodes[node].within_today ? run_day_start_ms(&context, 1) : INT64_MAX;
}

static bool json_equal(const Json *a, const Json *b)
{
    auto_buffer left, right;
    buffer_init(&left, COMPARED_VALUE_MAX);
    buffer_init(&right, COMPARED_VALUE_MAX);
    json_print_canonical(a, &left);
    json_print_canonical(b, &right);
    return !left.overflow && !right.overflow && text_equal(left.bytes, right.bytes);
}

/* Tags are texts: what a template made a number is looked for by its digits. */
static bool has_tag(const Json *tags, const Json *wanted)
{
    auto_buffer text;
    buffer_init(&text, COMPARED_VALUE_MAX);
    if (json_text(wanted)) {
        buffer_text(&text, json_text(wanted));
    } else {
        json_print(wanted, &text);
    }
    for (const Json *tag = json_first(tags); tag; tag = json_next(tag)) {
        if (text_equal(json_text(tag), text.bytes)) {
            return true;
        }
    }
    return false;
}

/* What `match` asks for, its templates replaced; NULL: nothing. */
typedef struct Match {
    Json *parameters, *tags;
} Match;

static bool flow_run_matches(const Match *match, const FlowRun *flow_run)
{
    for (const Json *wanted = json_first(match->parameters); wanted; wanted = json_next(wanted)) {
        const Json *found = json_member(flow_run->parameters, json_name(wanted));
        if (!found || !json_equal(found, wanted)) {
            return false;
        }
    }
    for (const Json *tag = json_first(match->tags); tag; tag = json_next(tag)) {
        if (!has_tag(flow_run->tags, tag)) {
            return false;
        }
    }
    return true;
}

/* The newest that counts, or NULL. They come newest start first. */
static const FlowRun *newest_match(const Run *run, int node, const AnswerEvent *answer)
{
    const Node *definition = &run->definition->nodes[node];
    TemplateContext context = run_context(run);
    auto_json *parameters =
        definition->match_parameters ? template_render(definition->match_parameters, &context) : NULL;
    auto_json *tags = definition->match_tags ? template_render(definition->match_tags, &context) : NULL;
    Match match = {parameters, tags};
    if ((definition->match_parameters && !parameters) || (definition->match_tags && !tags)) {
        return NULL; /* too large or too deep: nothing is like it */
    }
    int64_t from = window_start(run, node), to = window_end(run, node);
    for (size_t i = 0; i < answer->flow_run_count; i++) {
        const FlowRun *flow_run = &answer->flow_runs[i];
        int64_t start = flow_run->started_at ? flow_run->started_at : flow_run->expected_start_at;
        if (start >= from && start < to && flow_run_matches(&match, flow_run)) {
            return flow_run;
        }
    }
    return NULL;
}

bool looking_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (stage->record.cut != CUT_NONE) {
        stage_finish_cut(turn, run, node);
        return true;
    }
    if (stage->deadline == TIME_NEVER) {
        stage->deadline = deadline_since(turn->now, stage->record.retry_at - run->definition->nodes[node].wait_ms,
                                         run->definition->nodes[node].wait_ms);
    }
    if (stage->in_flight || (stage->due != TIME_NEVER && turn->now.boot_ms < stage->due)) {
        return false;
    }
    stage->in_flight = true;
    stage->due = TIME_NEVER;
    Request *request = turn_request(turn, REQUEST_LOOK, run, node);
    request->deployment_id = stage->record.deployment_id;
    request->since_ms = window_start(run, node);
    return false;
}

static void follow(Turn *turn, Run *run, int node, const FlowRun *flow_run, int64_t asked_boot_ms)
{
    AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    if (!attempt || !text_equal(attempt->flow_run_id, flow_run->id)) {
        attempt = attempt_add(turn, run, node);
        text_replace(&attempt->flow_run_id, flow_run->id);
        text_replace(&attempt->flow_run_name, flow_run->name);
        text_replace(&attempt->deployment_id, run->stages[node].record.deployment_id);
    }
    attempt->reason = REASON_NONE; /* a flow run that ended badly may have been run again */
    text_replace(&attempt->message, NULL);
    stage_set_phase(turn, run, node, PHASE_WATCHING);
    stage_watch(turn, run, node);
    flow_run_seen(turn, run, node, flow_run, asked_boot_ms);
}

static void not_observed(Turn *turn, Run *run, int node, const char *found)
{
    auto_free char *message = text_format("%s: %s", run->definition->nodes[node].deployment, found);
    AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    if (attempt && !state_is_end(attempt->state)) {
        attempt_finish(turn, run, node, STATE_FAILED, REASON_NOT_OBSERVED, message);
    }
    stage_finish(turn, run, node, STATE_FAILED, REASON_NOT_OBSERVED, message);
}

static char *describe(const FlowRun *flow_run)
{
    if (!flow_run) {
        return text_copy("no flow run started within the window");
    }
    return text_format("the newest flow run, %s, ended %s%s%s", flow_run->name ? flow_run->name : flow_run->id,
                       prefect_type_names[flow_run->type], flow_run->state_message ? ": " : "",
                       flow_run->state_message ? flow_run->state_message : "");
}

/* A crash is followed until it is settled: it may go on. Not one that was, or that Prefect has known for long. */
static bool crash_is_open(const Turn *turn, const Run *run, int node, const FlowRun *flow_run)
{
    const AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    bool settled = attempt && text_equal(attempt->flow_run_id, flow_run->id) && state_is_end(attempt->state);
    bool fresh = turn->now.wall_ms - flow_run->state_timestamp < turn->engine->settle_ms;
    return flow_run->type == PREFECT_CRASHED && fresh && !settled;
}

static bool is_followed(const Turn *turn, const Run *run, int node, const FlowRun *flow_run)
{
    return flow_run->type == PREFECT_COMPLETED || !prefect_type_is_end(flow_run->type) ||
           crash_is_open(turn, run, node, flow_run);
}

/* No flow run at all: the deployment may have been made anew, under an id that is not known yet. */
static bool resolves_again(Turn *turn, Run *run, int node, const AnswerEvent *answer)
{
    Stage *stage = &run->stages[node];
    const char *reference = run->definition->nodes[node].deployment;
    if (answer->flow_run_count || stage->resolved_again || text_is_uuid(reference)) {
        return false;
    }
    stage->resolved_again = true;
    deployment_forget(deployments_of(&turn->engine->deployments, reference));
    stage_set_phase(turn, run, node, PHASE_RESOLVING);
    return true;
}

void looked_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer)
{
    Stage *stage = &run->stages[node];
    if (stage->record.phase != PHASE_LOOKING || !stage->in_flight) {
        return;
    }
    stage->in_flight = false;
    if (answer->outcome != OUTCOME_OK) {
        stage->failures++;
        stage->due = turn->now.boot_ms + back_off_ms(stage->failures);
        return;
    }
    stage->failures = 0;
    const FlowRun *newest = newest_match(run, node, answer);
    if (newest && is_followed(turn, run, node, newest)) {
        follow(turn, run, node, newest, answer->asked_boot_ms);
        return;
    }
    if (turn->now.boot_ms >= stage->deadline && answer->asked_boot_ms >= stage->deadline) {
        if (resolves_again(turn, run, node, answer)) {
            return;
        }
        auto_free char *found = describe(newest);
        not_observed(turn, run, node, found);
        return;
    }
    int64_t again = turn->now.boot_ms + LOOK_AGAIN_MS;
    stage->due = again < stage->deadline || turn->now.boot_ms >= stage->deadline ? again : stage->deadline;
}

void observed_ended_badly(Turn *turn, Run *run, int node)
{
    const AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    auto_free char *message = NULL;
    if (run->stages[node].absences) {
        message = text_copy("the flow run was deleted in Prefect");
    } else {
        message =
            text_format("ended %s%s%s", prefect_type_names[attempt->prefect_type], attempt->prefect_message ? ": " : "",
                        attempt->prefect_message ? attempt->prefect_message : "");
    }
    attempt_finish(turn, run, node, STATE_FAILED, REASON_NOT_OBSERVED, message);
    stage_set_state(turn, run, node, STATE_SCHEDULED, REASON_NONE);
    stage_set_phase(turn, run, node, PHASE_LOOKING);
}
