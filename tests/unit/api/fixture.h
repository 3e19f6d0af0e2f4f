/* SPDX-License-Identifier: Apache-2.0 */
/* A server on a real socket with a real engine; the journal, the catalogue and the exposition are played here, so that
 * they can fail when told to. One thread: the client's socket and the server take turns. */
#ifndef TESTS_API_FIXTURE_H
#define TESTS_API_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/server.h"
#include "base/memory.h"
#include "exposition.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { START_WALL_MS = 1795000000, PATIENCE_TURNS = 400 };

/* --- the journal --- */

struct Journal {
    JournalStatistics statistics;
    bool fails;
    char known_key[64], known_run[UUID_SIZE], known_digest[DIGEST_HEX_SIZE];
    RunRecord ended; /* the one run that it has; no id: none */
    const char *ended_text;
    char audited[128], audited_run[UUID_SIZE]; /* the last one */
    int audits;
    int64_t oldest_event, newest_event; /* 0: none. Those with even ids are of «daily» */
    size_t events_read;
};

static inline bool fake_failure(Journal *journal, Error *error)
{
    return journal->fails && !error_set(error, ERROR_IO, "the disk is on fire");
}

bool journal_find_key(Journal *journal, const char *sendpost, const char *key, int64_t now_ms, char run_id[UUID_SIZE],
                      char digest[DIGEST_HEX_SIZE], Error *error)
{
    (void)now_ms;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%.20s %.20s", sendpost, key);
    if (fake_failure(journal, error) || strcmp(wanted, journal->known_key) != 0) {
        return false;
    }
    memcpy(run_id, journal->known_run, UUID_SIZE);
    memcpy(digest, journal->known_digest, DIGEST_HEX_SIZE);
    return true;
}

bool journal_load_run(Journal *journal, const char *id, RunRecord *run, StageRecord **stages, size_t *stage_count,
                      char **definition_text, size_t *definition_length, Error *error)
{
    if (fake_failure(journal, error)) {
        return false;
    }
    if (strcmp(journal->ended.id, id) != 0) {
        return error_set(error, ERROR_NOT_FOUND, "no such run");
    }
    run_record_copy(run, &journal->ended);
    *stages = memory_new(sizeof **stages);
    **stages =
        (StageRecord){.node = 1, .phase = PHASE_ENDED, .state = STATE_COMPLETED, .started_at = 1000, .ended_at = 3500};
    *stage_count = 1;
    *definition_text = text_copy(journal->ended_text);
    *definition_length = journal->ended_text ? strlen(journal->ended_text) : 0;
    return true;
}

bool journal_list_runs(Journal *journal, const RunQuery *query, RunRecord **runs, size_t *count, Error *error)
{
    if (fake_failure(journal, error)) {
        return false;
    }
    *count = journal->ended.id[0] ? query->limit : 0;
    *runs = memory_new(*count * sizeof **runs);
    for (size_t i = 0; i < *count; i++) {
        run_record_copy(&(*runs)[i], &journal->ended);
    }
    return true;
}

bool journal_list_ticks(Journal *journal, const char *sendpost, TickRecord *ticks, size_t limit, size_t *count,
                        Error *error)
{
    if (fake_failure(journal, error)) {
        return false;
    }
    assert_string_equal(sendpost, "daily");
    assert_true(limit >= 2);
    ticks[0] = (TickRecord){.at = 86400000, .verdict = VERDICT_CAUGHT_UP, .run_id = "run"};
    ticks[1] = (TickRecord){.at = 0, .verdict = VERDICT_MISSED};
    *count = 2;
    return true;
}

bool journal_find_event(Journal *journal, int64_t id, bool *found, int64_t *newest, Error *error)
{
    if (fake_failure(journal, error)) {
        return false;
    }
    *found = id > 0 && id >= journal->oldest_event && id <= journal->newest_event;
    *newest = journal->newest_event;
    return true;
}

/* Event number `id`; its texts are constants. */
static inline EventRecord event_of(int64_t id)
{
    static char daily[] = "daily", other[] = "other", run[] = "01920000-0000-7000-8000-000000000001", stage[] = "a.b";
    return (EventRecord){.id = id,
                         .type = EVENT_STAGE_STATE,
                         .at = (int64_t)START_WALL_MS * 1000 + id,
                         .sendpost = id % 2 ? other : daily,
                         .run = id % 4 ? NULL : run,
                         .stage = stage,
                         .from = "running",
                         .to = "failed",
                         .reason = "timed_out"};
}

bool journal_each_event(Journal *journal, int64_t *after, size_t limit, JournalEventVisitor *visit, void *user,
                        Error *error)
{
    if (fake_failure(journal, error)) {
        return false;
    }
    *after = *after < journal->oldest_event ? journal->oldest_event - 1 : *after;
    for (bool more = true; more && limit > 0 && *after < journal->newest_event; limit--) {
        EventRecord event = event_of(++*after);
        more = visit(user, &event);
        journal->events_read++;
    }
    return true;
}

void journal_audit(Journal *journal, int64_t at, const char *who, const char *what, const char *run_id, int status)
{
    (void)at;
    journal->audits++;
    snprintf(journal->audited_run, UUID_SIZE, "%s", run_id ? run_id : "");
    snprintf(journal->audited, sizeof journal->audited, "%s %s %d", who, what, status);
}

const JournalStatistics *journal_statistics(const Journal *journal)
{
    return &journal->statistics;
}

/* --- the catalogue --- */

struct Catalogue {
    CatalogueStatistics statistics;
};

const CatalogueStatistics *catalogue_statistics(const Catalogue *catalogue)
{
    return &catalogue->statistics;
}

Definition *catalogue_read_text(Catalogue *catalogue, const char *text, size_t length, Findings *findings)
{
    (void)catalogue;
    return definition_read(text, length, NULL, findings);
}

/* --- the world --- */

typedef struct World {
    Configuration configuration;
    char *listen[1];
    Journal journal;
    Catalogue catalogue;
    TokenFile *tokens; /* of who needs them; the test's */
    PrefectStatistics prefect;
    LoopStatistics loop;
    Standing *references;
    Engine *engine;
    Actions actions;
    Server *server;
    Now now;
    char remembered[128]; /* the last key that the engine wants kept, with its scope */
    bool unavailable;     /* commands are answered 503 */
    bool silent;          /* commands get no answer */
    uint64_t last_token;  /* of the last command */
    ServerFetch fetch;    /* the last one; token 0: none */
} World;

static inline void world_step(World *world, const Happening *happening)
{
    engine_step(world->engine, happening, world->now, &world->actions);
    for (size_t i = 0; i < world->actions.changes.key_count; i++) {
        const KeyRecord *key = &world->actions.changes.keys[i];
        snprintf(world->remembered, sizeof world->remembered, "%s %s", key->scope, key->key);
    }
    for (size_t i = 0; i < world->actions.reply_count; i++) {
        server_reply(world->server, &world->actions.replies[i]);
    }
    actions_clear(&world->actions);
    engine_turn_end(world->engine);
}

static inline void world_turn(World *world)
{
    server_run(world->server, world->now);
    for (Happening happening; server_take_command(world->server, &happening);) {
        world->last_token = happening.kind == HAPPENED_TRIGGER ? happening.trigger.token : happening.verb.token;
        if (world->unavailable) {
            server_reply_unavailable(world->server, world->last_token, "the journal cannot be written");
            server_reply_unavailable(world->server, world->last_token, "answered already");
        } else if (!world->silent) {
            world_step(world, &happening);
        }
    }
    for (uint64_t token; server_take_reload(world->server, &token);) {
        if (world->unavailable) {
            server_reload_unavailable(world->server, token, "the journal cannot be written");
            server_reload_unavailable(world->server, token, "answered already");
        } else {
            server_reloaded(world->server, token);
            server_reloaded(world->server, token);
        }
    }
    for (ServerFetch fetch; server_take_fetch(world->server, &fetch);) {
        world->fetch = fetch;
    }
    server_run(world->server, world->now);
}

static inline void world_load(World *world, const char *file, const char *text)
{
    Findings findings = {0};
    Definition *definition = definition_read(text, strlen(text), NULL, &findings);
    assert_non_null(definition);
    findings_release(&findings);
    engine_step(
        world->engine,
        &(Happening){.kind = HAPPENED_LOADED, .file = {.file = file, .revision = "r1", .definition = definition}},
        world->now, &world->actions);
    actions_clear(&world->actions);
    engine_turn_end(world->engine);
    definition_release(definition);
}

static inline void world_start(World *world)
{
    Error error = {0};
    ServerView view = {
        .configuration = &world->configuration,
        .engine = world->engine,
        .journal = &world->journal,
        .catalogue = &world->catalogue,
        .tokens = world->tokens,
        .prefect = &world->prefect,
        .loop = &world->loop,
        .references = world->references,
        .namespace = "ns",
        .started_at = world->now.wall_ms,
    };
    world->server = server_new(&view, &error);
    assert_string_equal(error.text, "");
    assert_non_null(world->server);
    server_run(world->server, world->now);
}

static inline World *world_new(void)
{
    static char none[] = "", definitions[] = "/etc/sendposts", journal[] = "/var/journal.db";
    World *world = memory_new(sizeof *world);
    world->listen[0] = text_copy("127.0.0.1:0");
    world->configuration = (Configuration){
        .http_listen = {world->listen, 1},
        .http_external_url = none,
        .definitions_directory = definitions,
        .journal_path = journal,
        .http_tls_certificate_file = none,
        .prefect_ui_url = text_copy("http://prefect.example"),
        .prefect_api_url = text_copy("http://user:secret@prefect.example/api"),
    };
    world->now = (Now){(int64_t)START_WALL_MS * 1000, 1000000};
    world->journal.statistics.writable = true;
    world->catalogue.statistics = (CatalogueStatistics){.applied = "r1", .attempted = "r1", .loaded = 1};
    world->references = standing_new();
    world->prefect.version = "3.8.8";
    world->prefect.up = true;
    EngineOptions options = {
        .namespace = "ns", .ui_url = "http://prefect.example", .settle_ms = 30000, .cancel_grace_ms = 300000};
    world->engine = engine_new(&options);
    world_start(world);
    return world;
}

static inline void world_free(World *world)
{
    server_free(world->server);
    actions_release(&world->actions);
    engine_free(world->engine);
    run_record_release(&world->journal.ended);
    free(world->listen[0]);
    standing_free(world->references);
    free(world->configuration.prefect_ui_url);
    free(world->configuration.prefect_api_url);
    free(world);
}

/* Events, as the loop does after a commit. */
static inline void world_publish(World *world, int64_t first, int64_t last)
{
    for (int64_t id = first; id <= last; id++) {
        EventRecord event = event_of(id);
        world->journal.newest_event = id;
        server_publish(world->server, &event, 1);
    }
}

/* --- a client --- */

typedef struct Client {
    int fd;
    Buffer received;
    bool closed; /* by the server */
} Client;

static inline Client client_open(const World *world)
{
    Client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    const char *port = strrchr(server_address(world->server), ':');
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port + 1))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(client.fd, (struct sockaddr *)&address, sizeof address);
    struct pollfd ready = {.fd = client.fd, .events = POLLOUT};
    assert_int_equal(poll(&ready, 1, 1000), 1);
    buffer_init(&client.received, 64 << 20);
    return client;
}

static inline void client_close(Client *client)
{
    close(client->fd);
    buffer_release(&client->received);
}

static inline void client_read(Client *client)
{
    char bytes[65536];
    for (ssize_t length = 1; !client->closed && length > 0;) {
        length = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        buffer_append(&client->received, bytes, length > 0 ? (size_t)length : 0);
        client->closed = length == 0 || (length < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
    }
}

/* Sends all, in turns with the server, until it closes or is quiet for a while; `received` is what came for this. */
static inline const char *client_send(World *world, Client *client, const char *bytes, size_t length)
{
    size_t sent = 0;
    int quiet = 0;
    buffer_clear(&client->received);
    for (int i = 0; i < PATIENCE_TURNS && !client->closed && quiet < 8; i++) {
        if (sent < length) {
            ssize_t now = send(client->fd, bytes + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            sent += now > 0 ? (size_t)now : 0;
        }
        size_t before = client->received.length;
        world_turn(world);
        struct pollfd readable = {.fd = client->fd, .events = POLLIN};
        poll(&readable, 1, sent < length ? 0 : 1);
        client_read(client);
        quiet = client->received.length > before || sent < length || before == 0 ? 0 : quiet + 1;
    }
    return client->received.length ? client->received.bytes : "";
}

static inline const char *client_ask(World *world, Client *client, const char *text)
{
    return client_send(world, client, text, strlen(text));
}

/* One request on a connection of its own: "GET /v1/runs", "POST /x" with a body; further header lines. New memory. */
static inline char *ask_with(World *world, const char *line, const char *headers, const char *body)
{
    auto_free char *length = body ? text_format("Content-Length: %zu\r\n", strlen(body)) : text_copy("");
    auto_free char *request =
        text_format("%s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n%s", line, headers, length, body ? body : "");
    Client client = client_open(world);
    char *answer = text_copy(client_ask(world, &client, request));
    client_close(&client);
    return answer;
}

static inline char *ask(World *world, const char *line, const char *body)
{
    return ask_with(world, line, "", body);
}

static inline int status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

static inline const char *body_of(const char *answer)
{
    return strstr(answer, "\r\n\r\n") ? strstr(answer, "\r\n\r\n") + 4 : "";
}

/* Checks the status, that the body is JSON (a problem from 400), and gives it. */
static inline Json *json_of(const char *answer, int status)
{
    Error error = {0};
    if (status_of(answer) != status) {
        print_error("%s\n", answer);
    }
    assert_int_equal(status_of(answer), status);
    Json *json = json_parse(body_of(answer), strlen(body_of(answer)), &error);
    assert_non_null(json);
    assert_non_null(strstr(answer, status < 400 ? "Content-Type: application/json\r\n"
                                                : "Content-Type: application/problem+json\r\n"));
    int64_t said = status;
    assert_true(status < 400 || (json_integer(json_member(json, "status"), &said) && said == status));
    return json;
}

#endif
