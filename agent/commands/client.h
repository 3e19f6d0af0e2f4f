/* SPDX-License-Identifier: Apache-2.0 */
/* A blocking client of a running agent's HTTP API, for the commands. */
#ifndef SENDPOST_COMMANDS_CLIENT_H
#define SENDPOST_COMMANDS_CLIENT_H

#include "base/json.h"
#include "commands/command.h"
#include <signal.h>

typedef struct Client Client;

/* By --server, --ca-file and --token-file, SENDPOST_SERVER, SENDPOST_CA_FILE and SENDPOST_TOKEN. NULL: complained
 * about; *status says how. */
Client *client_new(const CommandLine *line, Status *status);
/* It is asked for something that is worth no waiting. */
void client_hurry(Client *client, int timeout_ms);
/* What it is asked is given up, at the latest a second after a signal has set this. */
void client_heed(Client *client, const volatile sig_atomic_t *interrupted);
/* Another one to the same agent: one can be asked while the other one's answer takes its time. */
Client *client_copy(const Client *client);
void client_free(Client *client);

typedef struct Answer {
    int status; /* HTTP; 0: the agent cannot be reached */
    char *text; /* the body; never NULL */
    Json *json; /* NULL: no JSON */
} Answer;

void answer_release(Answer *answer);

/* body NULL: GET. key NULL: no Idempotency-Key. *error says why there is no answer. */
bool client_ask(Client *client, const char *path, const char *body, const char *key, Answer *answer, Error *error);

/* An answer that takes its time. */
typedef struct ClientStream {
    bool (*take)(void *user, const char *bytes, size_t length); /* of a 200, piece by piece */
    bool (*turn)(void *user);                                   /* several times a second */
    void *user;
    int silence_seconds; /* that is taken for the end of the connection */
} ClientStream;

/* GET. False: it was cut off, or never began. True: it has come to its end, or take or turn had enough (false). What is
 * not 200 is whole in the answer. headers: a further one, or NULL. */
bool client_stream(Client *client, const char *path, const char *header, const ClientStream *stream, Answer *answer,
                   Error *error);

/* Asks; what is not 2xx is complained about, with its detail. The answer is whole when STATUS_DONE, else
 * it has its status alone. */
Status client_get(Client *client, const char *what, const char *path, Answer *answer);
Status client_post(Client *client, const char *what, const char *path, const char *body, const char *key,
                   Answer *answer);
/* What an answer means to the caller of the command; prints the problem. */
Status client_complain(const char *what, const Answer *answer);

/* A run's id from RUN, which may be a sendpost's name: its newest run. New text, NULL: complained about. */
char *client_run_id(Client *client, const char *what, const char *run, Status *status);

#endif
