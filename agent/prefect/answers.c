/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/answers.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "prefect/replies.h"
#include "prefect/report.h"
#include <string.h>
#include <strings.h>

static const HappeningKind happenings[REQUEST_KINDS] = {
    [REQUEST_RESOLVE] = HAPPENED_RESOLVED,
    [REQUEST_CREATE] = HAPPENED_CREATED,
    [REQUEST_SEARCH] = HAPPENED_SEARCHED,
    [REQUEST_LOOK] = HAPPENED_LOOKED,
    [REQUEST_CANCEL] = HAPPENED_CANCEL_ANSWERED,
    [REQUEST_RESUME] = HAPPENED_RESUME_ANSWERED,
    [REQUEST_ASK] = HAPPENED_ASKED,
    [REQUEST_REPORT] = HAPPENED_REPORTED,
    [REQUEST_POLL] = HAPPENED_POLLED,
};

void answer_free(Answer *answer)
{
    if (!answer) {
        return;
    }
    for (size_t i = 0; i < answer->flow_run_count; i++) {
        flow_run_release(&answer->flow_runs[i]);
    }
    free(answer->flow_runs);
    free(answer->absent);
    free(answer->message);
    free(answer->text);
    free(answer->other_text);
    task_free(answer->task);
    free(answer);
}

void prefect_fetched_release(PrefectFetched *fetched)
{
    json_free(fetched->body);
    free(fetched->message);
    *fetched = (PrefectFetched){0};
}

static Answer *answer_new(Task *task, const Result *result)
{
    Answer *answer = memory_new(sizeof *answer);
    answer->task = task;
    answer->message = text_copy(result->message);
    answer->happening.kind = happenings[task->request.kind];
    answer->happening.answer = (AnswerEvent){
        .run_id = task->request.run_id,
        .node = task->request.node,
        .attempt = task->request.attempt,
        .reference = task->request.reference,
        .outcome = result->outcome,
        .status = result->status,
        .message = answer->message,
        .asked_boot_ms = task->asked_boot_ms,
    };
    return answer;
}

Answer *answer_unknown(Task *task, const char *message)
{
    return answer_new(task, &(Result){.outcome = OUTCOME_UNKNOWN, .message = message});
}

/* An answer whose body makes no sense decides nothing. */
static void answer_spoil(Answer *answer, const char *message)
{
    text_replace(&answer->message, message);
    answer->happening.answer.message = answer->message;
    answer->happening.answer.outcome = OUTCOME_UNKNOWN;
}

static void answer_take_runs(Answer *answer)
{
    answer->happening.answer.flow_runs = answer->flow_runs;
    answer->happening.answer.flow_run_count = answer->flow_run_count;
}

static void fill_resolve(Answer *answer, const Json *body)
{
    AnswerEvent *event = &answer->happening.answer;
    const char *id = json_member_text(body, "id"), *name = json_member_text(body, "name");
    if (!id || !text_is_uuid(id) || !name) {
        answer_spoil(answer, "the answer is not a deployment");
        return;
    }
    const char *reference = answer->task->request.reference, *slash = strchr(reference, '/');
    if (slash ? !text_equal(name, slash + 1) : strcasecmp(id, reference) != 0) {
        answer_spoil(answer, "the answer is another deployment than the one asked for");
        return;
    }
    answer->text = text_copy(id);
    answer->other_text = text_copy(slash ? reference : name);
    event->deployment_id = answer->text;
    event->deployment_name = answer->other_text;
}

static void fill_create(Answer *answer, const Result *result)
{
    const Request *request = &answer->task->request;
    FlowRun *flow_run = memory_new(sizeof *flow_run);
    Error error = {0};
    if (!reply_flow_run(result->body, false, flow_run, &error)) {
        free(flow_run);
        answer_spoil(answer, error.text);
        return;
    }
    answer->flow_runs = flow_run;
    answer->flow_run_count = 1;
    answer->happening.answer.existing = result->status == 200;
    bool other_deployment =
        !flow_run->deployment_id || strcasecmp(flow_run->deployment_id, request->deployment_id) != 0;
    bool other_key = flow_run->key && !text_equal(flow_run->key, request->key);
    if (other_deployment || other_key) {
        answer_spoil(answer, "a collision of keys: Prefect answered with a flow run of another deployment or key");
        answer->happening.answer.outcome = OUTCOME_FOREIGN;
        return;
    }
    answer_take_runs(answer);
}

static void fill_list(Answer *answer)
{
    Reading *reading = &answer->task->reading;
    if (reading->error.kind != ERROR_NONE) {
        answer_spoil(answer, reading->error.text);
        return;
    }
    answer->flow_run_count = reading->count;
    answer->flow_runs = memory_steal(&reading->flow_runs);
    reading->count = 0;
    answer_take_runs(answer);
}

static void fill_cancel(Answer *answer, const Json *body)
{
    const char *type = json_member_text(json_member(body, "state"), "type");
    int index = name_index(prefect_type_names, PREFECT_TYPES, type);
    if (index < 0) {
        answer_spoil(answer, "the answer does not say the state");
        return;
    }
    answer->happening.answer.type = (PrefectType)index;
}

/* {"status":"ACCEPT", "state":..., "details":{"reason":...}}: refusals come with 200 too. */
static void fill_resume(Answer *answer, const Json *body)
{
    const char *status = json_member_text(body, "status");
    if (!status) {
        answer_spoil(answer, "the answer does not say whether it was accepted");
    } else if (!text_equal(status, "ACCEPT")) {
        const char *reason = json_member_text(json_member(body, "details"), "reason");
        answer_spoil(answer, reason ? reason : status);
        answer->happening.answer.outcome = OUTCOME_REFUSED;
    }
}

static void fill_report(Answer *answer, const Json *body)
{
    CollectedReport collected;
    Error error = {0};
    if (!report_collect(answer->task->first_part, body, &collected, &error)) {
        answer_spoil(answer, error.text);
        return;
    }
    free(answer->message);
    answer->message = collected.task_message;
    answer->text = collected.task_name;
    answer->other_text = collected.logs;
    answer->happening.answer.report = (Report){answer->text, answer->message, answer->other_text, collected.complete};
}

static void fill_absent(Answer *answer)
{
    const Request *request = &answer->task->request;
    AnswerEvent *event = &answer->happening.answer;
    Map *present = map_new(1);
    for (size_t i = 0; i < answer->flow_run_count; i++) {
        map_put(present, answer->flow_runs[i].id, &answer->flow_runs[i]);
    }
    answer->absent = memory_new(request->id_count * sizeof *answer->absent);
    for (size_t i = 0; i < request->id_count; i++) {
        if (!map_find(present, request->ids[i])) {
            answer->absent[event->absent_count++] = request->ids[i];
        }
    }
    map_free(present);
    event->absent = answer->absent;
}

/* A flow run by its history of states: started with the first RUNNING, in the last one now. */
static void fill_states(Answer *answer, const Json *body)
{
    FlowRun flow_run = {.id = text_copy(answer->task->request.ids[0])};
    int type = -1;
    for (const Json *state = json_first(body); state; state = json_next(state)) {
        type = name_index(prefect_type_names, PREFECT_TYPES, json_member_text(state, "type"));
        instant_read(json_member(state, "timestamp"), &flow_run.state_timestamp);
        bool first = type == PREFECT_RUNNING && !flow_run.started_at;
        flow_run.started_at = first ? flow_run.state_timestamp : flow_run.started_at;
        text_replace(&flow_run.state_name, json_member_text(state, "name"));
        const char *message = json_member_text(state, "message");
        free(flow_run.state_message);
        flow_run.state_message = message ? text_copy_length(message, text_cut(message, MESSAGE_MAX)) : NULL;
    }
    if (json_type(body) != JSON_ARRAY || (type < 0 && json_count(body))) {
        flow_run_release(&flow_run);
        answer_spoil(answer, "the answer is not a list of states");
        return;
    }
    if (type < 0) { /* no states: it is not there */
        flow_run_release(&flow_run);
        fill_absent(answer);
        return;
    }
    flow_run.type = (PrefectType)type;
    flow_run.ended_at = prefect_type_is_end(flow_run.type) ? flow_run.state_timestamp : 0;
    answer->flow_runs = memory_new(sizeof flow_run);
    answer->flow_runs[0] = flow_run;
    answer->flow_run_count = 1;
    answer_take_runs(answer);
}

static int64_t start_of(const FlowRun *flow_run)
{
    return flow_run->started_at ? flow_run->started_at : flow_run->expected_start_at;
}

static int newest_start_first(const void *a, const void *b)
{
    int64_t left = start_of(a), right = start_of(b);
    return left < right ? 1 : left > right ? -1 : 0;
}

/* Another page of a look: kept in the task. */
static size_t look_add(Task *task)
{
    Reading *reading = &task->reading;
    size_t count = reading->count;
    task->flow_runs = memory_resize(task->flow_runs, task->flow_run_count + count, sizeof *task->flow_runs);
    for (size_t i = 0; i < count; i++) {
        task->flow_runs[task->flow_run_count++] = reading->flow_runs[i];
    }
    reading->count = 0;
    return count;
}

static bool look_goes_on(const Task *task, size_t page)
{
    int64_t day_ms = 86400000;
    bool reached = page && start_of(&task->flow_runs[task->flow_run_count - 1]) < task->request.since_ms - day_ms;
    return page == POLL_BATCH_MAX && !reached && task->flow_run_count < OBSERVE_CANDIDATES_MAX;
}

static Next look(Task *task, const Result *result, Answer **answer)
{
    if (task->reading.error.kind != ERROR_NONE) {
        *answer = answer_unknown(task, task->reading.error.text);
        return NEXT_ANSWER;
    }
    if (look_goes_on(task, look_add(task))) {
        task->step++;
        return NEXT_STEP;
    }
    qsort(task->flow_runs, task->flow_run_count, sizeof *task->flow_runs, newest_start_first);
    *answer = answer_new(task, result);
    (*answer)->happening.answer.flow_runs = task->flow_runs;
    (*answer)->happening.answer.flow_run_count = task->flow_run_count;
    return NEXT_ANSWER;
}

static Next good_answer(Task *task, const Result *result, Answer **answer)
{
    if (task->request.kind == REQUEST_LOOK) {
        return look(task, result, answer);
    }
    if (task->request.kind == REQUEST_REPORT && task->step == 0) {
        auto_buffer text;
        buffer_init(&text, PREFECT_REPLY_MAX);
        json_print(result->body, &text);
        task->first_part = json_parse(text.bytes, text.length, NULL);
        task->step = 1;
        return NEXT_STEP;
    }
    *answer = answer_new(task, result);
    switch (task->request.kind) {
    case REQUEST_RESOLVE:
        fill_resolve(*answer, result->body);
        break;
    case REQUEST_CREATE:
        fill_create(*answer, result);
        break;
    case REQUEST_CANCEL:
        fill_cancel(*answer, result->body);
        break;
    case REQUEST_RESUME:
        fill_resume(*answer, result->body);
        break;
    case REQUEST_REPORT:
        fill_report(*answer, result->body);
        break;
    case REQUEST_POLL:
        if (task->states_only) {
            fill_states(*answer, result->body);
            break;
        }
        fill_list(*answer);
        if ((*answer)->happening.answer.outcome == OUTCOME_OK) {
            fill_absent(*answer);
        }
        break;
    default:
        fill_list(*answer);
        break;
    }
    return NEXT_ANSWER;
}

/* More than Prefect is set to answer at once ("Invalid limit"), or than we read. */
static bool asked_too_much(const Task *task, const Result *result)
{
    bool limited = result->outcome == OUTCOME_REFUSED && result->message && strcasestr(result->message, "limit");
    return task->request.kind == REQUEST_POLL && !task->states_only &&
           (task->too_large || (limited && task->request.id_count > 1));
}

Next answer_make(Task *task, const Result *result, Answer **answer)
{
    if (asked_too_much(task, result)) {
        return NEXT_SPLIT;
    }
    if (result->outcome == OUTCOME_OK) {
        return good_answer(task, result, answer);
    }
    *answer = answer_new(task, result);
    return NEXT_ANSWER;
}

Answer *answer_split(Answer *answer)
{
    AnswerEvent *event = &answer->happening.answer;
    if (event->flow_run_count <= ANSWER_FLOW_RUNS_MAX) {
        return NULL;
    }
    Answer *rest = memory_new(sizeof *rest);
    rest->happening = answer->happening;
    rest->task = memory_steal(&answer->task);
    rest->absent = memory_steal(&answer->absent);
    rest->flow_run_count = event->flow_run_count - ANSWER_FLOW_RUNS_MAX;
    rest->flow_runs = memory_new(rest->flow_run_count * sizeof *rest->flow_runs);
    memcpy(rest->flow_runs, answer->flow_runs + ANSWER_FLOW_RUNS_MAX, rest->flow_run_count * sizeof *rest->flow_runs);
    answer_take_runs(rest);
    answer->flow_run_count = event->flow_run_count = ANSWER_FLOW_RUNS_MAX;
    event->absent_count = 0;
    return rest;
}
