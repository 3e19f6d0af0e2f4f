/* SPDX-License-Identifier: Apache-2.0 */
/* A `run` stage up to its flow run: find the deployment, write down the intent, send it until it is answered. The
 * intent freezes deployment, key and body; whatever happens in between, the same three are sent again, and Prefect
 * answers with the flow run that the key already has. Only when creation was refused and no flow run has the key is the
 * intent given up. */
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"
#include <string.h>

enum { REQUEST_BODY_LIMIT = 4 << 20, STATUS_NOT_FOUND = 404 };

/* namespace, run, path, attempt, deployment: durable facts only. Prefect's column holds 255 bytes. */
static char *key_of(const Engine *engine, const Run *run, int node, int number, const char *deployment_id)
{
    char *key = text_format("sendpost/%s/%s/%s/%d/%s", engine->namespace, run->record.id,
                            run->definition->nodes[node].path, number, deployment_id);
    if (strlen(key) > IDEMPOTENCY_KEY_MAX) {
        char hex[DIGEST_HEX_SIZE];
        digest_sha256_hex(key, strlen(key), hex);
        free(key);
        key = text_format("sendpost/%s/%s", deployment_id, hex);
    }
    return key;
}

static void write_tags(JsonWriter *writer, const Run *run, const Json *tags)
{
    json_begin_array(writer, "tags");
    auto_free char *sendpost = text_format("sendpost:%s", run->record.sendpost);
    auto_free char *id = text_format("sendpost-run:%s", run->record.id);
    json_write_text(writer, NULL, sendpost);
    json_write_text(writer, NULL, id);
    for (const Json *tag = json_first(tags); tag; tag = json_next(tag)) {
        json_write_text(writer, NULL, json_text(tag));
    }
    json_end_array(writer);
}

static char *body_of(const Run *run, int node, int number, const char *key)
{
    const Node *definition = &run->definition->nodes[node];
    Buffer body;
    buffer_init(&body, REQUEST_BODY_LIMIT);
    JsonWriter writer;
    json_writer_init(&writer, &body);
    json_begin_object(&writer, NULL);
    auto_free char *name = text_format("%s/%s #%d", run->record.sendpost, definition->path, number);
    json_write_text(&writer, "name", name);
    json_write_raw(&writer, "parameters", run->stages[node].record.parameters);
    write_tags(&writer, run, definition->tags);
    json_write_text(&writer, "idempotency_key", key);
    if (definition->job_variables) {
        auto_buffer variables;
        buffer_init(&variables, REQUEST_BODY_LIMIT);
        json_print(definition->job_variables, &variables);
        json_write_raw(&writer, "job_variables", variables.bytes);
    }
    json_end_object(&writer);
    invariant(!body.overflow); /* a definition is at most 1 MiB, rendered parameters PARAMETERS_SIZE_MAX */
    return buffer_take(&body);
}

/* Once in a run: every attempt sends the same. False when they are too large or too deep: templates may repeat what a
 * trigger gave, and nest it. */
static bool render_parameters(Run *run, int node)
{
    Stage *stage = &run->stages[node];
    const Json *template = run->definition->nodes[node].parameters;
    if (stage->record.parameters) {
        return true;
    }
    TemplateContext context = run_context(run);
    auto_json *rendered = template ? template_render(template, &context) : NULL;
    auto_buffer text;
    buffer_init(&text, PARAMETERS_SIZE_MAX);
    if (rendered) {
        json_print(rendered, &text);
    } else {
        buffer_text(&text, "{}");
    }
    if ((template && !rendered) || text.overflow) {
        return false;
    }
    stage->record.parameters = buffer_take(&text);
    return true;
}

AttemptRecord *attempt_add(Turn *turn, Run *run, int node)
{
    StageRecord *stage = &run->stages[node].record;
    stage->attempts = memory_resize(stage->attempts, stage->attempt_count + 1, sizeof *stage->attempts);
    AttemptRecord *attempt = &stage->attempts[stage->attempt_count++];
    *attempt = (AttemptRecord){.number = (int)stage->attempt_count, .state = STATE_SCHEDULED, .dirty = true};
    stage_touch(turn, run, node);
    return attempt;
}

static void intent_write(Turn *turn, Run *run, int node, AttemptRecord *attempt)
{
    const StageRecord *stage = &run->stages[node].record;
    invariant(stage->parameters != NULL);
    text_replace(&attempt->deployment_id, stage->deployment_id);
    free(attempt->key);
    attempt->key = key_of(turn->engine, run, node, attempt->number, stage->deployment_id);
    free(attempt->body);
    attempt->body = body_of(run, node, attempt->number, attempt->key);
    attempt->intent_at = turn->now.wall_ms;
    attempt->dirty = true;
    stage_set_phase(turn, run, node, PHASE_CREATING);
}

void attempt_finish(Turn *turn, Run *run, int node, State state, Reason reason, const char *message)
{
    AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    attempt->state = state;
    attempt->reason = reason;
    text_replace(&attempt->message, message);
    attempt->dirty = true;
    stage_touch(turn, run, node);
}

void stage_reject(Turn *turn, Run *run, int node, const char *message)
{
    const AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    if (attempt && !state_is_end(attempt->state)) {
        attempt_finish(turn, run, node, STATE_FAILED, REASON_REJECTED, message);
    }
    stage_finish(turn, run, node, STATE_FAILED, REASON_REJECTED, message);
}

static void deployment_known(Turn *turn, Run *run, int node, const Deployment *deployment)
{
    StageRecord *stage = &run->stages[node].record;
    AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    bool observes = run->definition->nodes[node].kind == NODE_OBSERVE;
    /* An intent that Prefect refused with 404 stands here again: only another id is worth another try. */
    if (!observes && attempt && text_equal(attempt->deployment_id, deployment->id)) {
        auto_free char *message = text_copy(attempt->message);
        stage_reject(turn, run, node, message);
        return;
    }
    text_replace(&stage->deployment_id, deployment->id);
    text_replace(&stage->deployment_name, deployment->name);
    if (observes) {
        stage_set_phase(turn, run, node, PHASE_LOOKING);
        return;
    }
    if (!render_parameters(run, node)) {
        auto_free char *message = text_format("its parameters are larger than %d bytes, or nested deeper than %d",
                                              PARAMETERS_SIZE_MAX, JSON_DEPTH_MAX);
        stage_reject(turn, run, node, message);
        return;
    }
    intent_write(turn, run, node, attempt ? attempt : attempt_add(turn, run, node));
}

bool resolving_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (stage->record.cut != CUT_NONE) {
        stage_finish_cut(turn, run, node);
        return true;
    }
    Deployment *deployment = deployments_of(&turn->engine->deployments, run->definition->nodes[node].deployment);
    if (deployment->id) {
        deployment_known(turn, run, node, deployment);
        return true;
    }
    if (stage->in_flight || (stage->due != TIME_NEVER && turn->now.boot_ms < stage->due)) {
        return false;
    }
    stage->in_flight = true;
    stage->due = TIME_NEVER;
    deployment_wait(deployment, run->record.id);
    if (!deployment->asking || deployment->background) {
        deployment->asking = true;
        deployment->background = false;
        turn_request(turn, REQUEST_RESOLVE, NULL, 0)->reference = deployment->reference;
    }
    return false;
}

void deployments_prefetch(Turn *turn, Sendpost *sendpost)
{
    for (size_t i = 0; i < sendpost->definition->node_count; i++) {
        const Node *node = &sendpost->definition->nodes[i];
        SendpostStage *stage = &sendpost->stages[i];
        if (node_is_leaf(node) && !stage->deployment) {
            stage_names_deployment(turn->engine, sendpost, stage,
                                   deployments_of(&turn->engine->deployments, node->deployment));
        }
        Deployment *deployment = stage->deployment;
        if (deployment && !deployment->id && !deployment->asking) {
            deployment->asking = deployment->background = true;
            Request *request = turn_request(turn, REQUEST_RESOLVE, NULL, 0);
            request->reference = deployment->reference;
            request->background = true;
        }
    }
}

/* The metrics show the id of every stage that names the deployment. */
static void show_deployment(Engine *engine, Deployment *deployment)
{
    if (!text_equal(deployment->shown_id, deployment->id)) {
        text_replace(&deployment->shown_id, deployment->id);
        for (SendpostStage *stage = deployment->named_by; stage; stage = stage->next_naming) {
            sendpost_changed(engine, stage->sendpost);
        }
    }
}

/* What an answer about a deployment means to one stage that waits for it. */
static void stage_resolved(Turn *turn, Run *run, int node, const AnswerEvent *answer, int failures)
{
    Stage *stage = &run->stages[node];
    stage->in_flight = false;
    if (answer->outcome == OUTCOME_UNKNOWN) {
        stage->due = turn->now.boot_ms + back_off_ms(failures);
    } else if (answer->outcome != OUTCOME_OK && stage->record.cut == CUT_NONE) {
        auto_free char *message = answer->outcome == OUTCOME_NOT_FOUND
                                      ? text_format("Prefect has no deployment %s", answer->reference)
                                      : text_format("Prefect refuses deployment %s: %s", answer->reference,
                                                    answer->message ? answer->message : "no reason given");
        stage_reject(turn, run, node, message);
    }
}

void resolved_happened(Turn *turn, const AnswerEvent *answer)
{
    Deployment *deployment = deployments_of(&turn->engine->deployments, answer->reference);
    if (!deployment->asking) {
        return;
    }
    deployment->asking = deployment->background = false;
    deployment->failures = answer->outcome == OUTCOME_UNKNOWN ? deployment->failures + 1 : 0;
    if (answer->outcome == OUTCOME_OK) {
        text_replace(&deployment->id, answer->deployment_id);
        text_replace(&deployment->name, answer->deployment_name);
        show_deployment(turn->engine, deployment);
    }
    auto_free DeploymentWaiter *waiters = memory_steal(&deployment->waiters);
    size_t count = deployment->waiter_count;
    deployment->waiter_count = deployment->waiter_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        Run *run = run_of(turn->engine, waiters[i].run_id);
        for (int node = 0; run && !run->ended && node < (int)run->definition->node_count; node++) {
            const Node *definition = &run->definition->nodes[node];
            if (run->stages[node].record.phase == PHASE_RESOLVING && run->stages[node].in_flight &&
                text_equal(definition->deployment, answer->reference)) {
                stage_resolved(turn, run, node, answer, deployment->failures);
            }
        }
        if (run && !run->ended) {
            run_advance(turn, run);
        }
    }
}

bool creating_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (stage->in_flight || (stage->due != TIME_NEVER && turn->now.boot_ms < stage->due)) {
        return false;
    }
    const AttemptRecord *attempt = stage_attempt(stage);
    stage->in_flight = true;
    stage->due = TIME_NEVER;
    Request *request = turn_request(turn, REQUEST_CREATE, run, node);
    request->deployment_id = attempt->deployment_id;
    request->key = attempt->key;
    request->body = attempt->body;
    return false;
}

static void flow_run_known(Turn *turn, Run *run, int node, const AnswerEvent *answer, bool existing)
{
    AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    const FlowRun *flow_run = &answer->flow_runs[0];
    text_replace(&attempt->flow_run_id, flow_run->id);
    text_replace(&attempt->flow_run_name, flow_run->name);
    text_replace(&attempt->message, NULL);
    attempt->adopted = existing;
    turn->engine->totals.flow_runs_adopted += existing;
    turn->engine->totals.flow_runs_created += !existing;
    turn->actions->changes.totals = true;
    stage_set_phase(turn, run, node, PHASE_WATCHING);
    stage_watch(turn, run, node);
    flow_run_seen(turn, run, node, flow_run, answer->asked_boot_ms);
}

void request_failed(Turn *turn, Stage *stage)
{
    stage->failures++;
    stage->due = turn->now.boot_ms + back_off_ms(stage->failures);
}

void created_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer)
{
    Stage *stage = &run->stages[node];
    AttemptRecord *attempt = stage_attempt(stage);
    if (stage->record.phase != PHASE_CREATING) {
        return;
    }
    stage->in_flight = false;
    if (answer->outcome == OUTCOME_UNKNOWN) {
        request_failed(turn, stage);
    } else if (answer->outcome == OUTCOME_OK) {
        invariant(answer->flow_run_count == 1);
        flow_run_known(turn, run, node, answer, answer->existing);
    } else {
        auto_free char *message = text_format("Prefect refused to create the flow run: %s (HTTP %d)",
                                              answer->message ? answer->message : "no reason given", answer->status);
        if (answer->outcome == OUTCOME_FOREIGN) {
            stage_reject(turn, run, node, answer->message ? answer->message : message);
            return;
        }
        text_replace(&attempt->message, message);
        attempt->dirty = true;
        stage_set_phase(turn, run, node, PHASE_SEARCHING);
        stage->refusal_status = answer->status;
    }
}

bool searching_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (stage->in_flight || (stage->due != TIME_NEVER && turn->now.boot_ms < stage->due)) {
        return false;
    }
    const AttemptRecord *attempt = stage_attempt(stage);
    stage->in_flight = true;
    stage->due = TIME_NEVER;
    Request *request = turn_request(turn, REQUEST_SEARCH, run, node);
    request->key = attempt->key;
    request->deployment_id = attempt->deployment_id;
    return false;
}

/* Certain now: nothing was created, and nothing will be. A run that timed out meanwhile begins nothing in its place. */
static void intent_is_void(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    const char *reference = run->definition->nodes[node].deployment;
    if (stage_is_stopped(run, node)) {
        stage_finish_cut(turn, run, node);
    } else if (stage->refusal_status == STATUS_NOT_FOUND && !text_is_uuid(reference)) {
        deployment_forget(deployments_of(&turn->engine->deployments, reference));
        stage_set_phase(turn, run, node, PHASE_RESOLVING);
    } else {
        auto_free char *message = text_copy(stage_attempt(stage)->message);
        stage_reject(turn, run, node, message);
    }
}

void searched_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer)
{
    Stage *stage = &run->stages[node];
    if (stage->record.phase != PHASE_SEARCHING) {
        return;
    }
    stage->in_flight = false;
    const char *deployment_id = stage_attempt(stage)->deployment_id;
    if (answer->outcome != OUTCOME_OK) {
        request_failed(turn, stage);
        return;
    }
    for (size_t i = 0; i < answer->flow_run_count; i++) {
        if (text_equal(answer->flow_runs[i].deployment_id, deployment_id)) {
            AnswerEvent found = *answer;
            found.flow_runs = &answer->flow_runs[i];
            flow_run_known(turn, run, node, &found, true);
            return;
        }
    }
    intent_is_void(turn, run, node);
}

bool delaying_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (stage->record.cut != CUT_NONE) {
        stage_finish_cut(turn, run, node);
        return true;
    }
    if (stage->due != TIME_NEVER && turn->now.boot_ms < stage->due) {
        return false;
    }
    AttemptRecord *attempt = attempt_add(turn, run, node);
    intent_write(turn, run, node, attempt);
    return true;
}
