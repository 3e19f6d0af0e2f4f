/* SPDX-License-Identifier: Apache-2.0 */
/* Every bound of the agent, by name. Bytes unless the name says otherwise. */
#ifndef SENDPOST_BASE_LIMITS_H
#define SENDPOST_BASE_LIMITS_H

/* Definitions and configuration */
enum {
    NAME_MAX_LENGTH = 63,        /* of a sendpost or a stage */
    PATH_MAX_LENGTH = 512,       /* of a stage path */
    DOCUMENT_SIZE_MAX = 1 << 20, /* of one YAML file */
    DOCUMENT_DEPTH_MAX = 32,     /* of nesting in it */
    DOCUMENT_NODES_MAX = 100000, /* scalars and collections in it */
    FINDINGS_MAX = 20,           /* reported of one file */
    STAGES_MAX = 1000,           /* nodes of one sendpost */
    LABELS_MAX = 16,
    TAGS_MAX = 64,
    PARAMETERS_MAX = 200,          /* declared by one sendpost */
    PARAMETERS_SIZE_MAX = 1 << 20, /* of a run's, as JSON */
    SCHEDULES_MAX = 32,            /* of one sendpost */
    DEFINITIONS_MAX = 20000,       /* files of one directory */
    DIRECTORY_DEPTH_MAX = 16,
    WATCHES_MAX = 8192, /* directories watched at once */
};

/* Runs */
enum {
    QUEUE_MAX = 100,    /* waiting runs of one sendpost */
    CATCH_UP_MAX = 100, /* ticks of one schedule that are run late */
    TICKS_KEPT = 1000,  /* of one sendpost, the newest */
    TICKS_SHOWN = 20,
    IDEMPOTENCY_KEY_MAX = 255,     /* of ours to Prefect; of a client to us, in characters */
    REASON_TEXT_MAX = 1024,        /* of a trigger, in characters */
    MESSAGE_MAX = 4096,            /* of a state's message that we keep */
    REPORT_LOGS_MAX = 5,           /* lines of a failure report */
    REPORT_LINE_MAX = 1024,        /* of one of its lines */
    TASK_LABEL_MAX = 64,           /* code points of a task's name as a label */
    OBSERVE_CANDIDATES_MAX = 1000, /* flow runs that one look considers */
};

/* HTTP, in and out */
enum {
    REQUEST_BODY_MAX = 256 * 1024,
    CONNECTION_MEMORY = 24 * 1024, /* for the heads of a request and of its answer; half of it is touched in any case */
    ANSWER_HEAD_MAX = 1536,        /* kept of it for the latter */
    REQUEST_HEADERS_SECONDS = 10,  /* until the headers are complete */
    REQUEST_BODY_SECONDS = 30,     /* until the body is complete */
    RESPONSE_SECONDS = 60,         /* for a client to take a reply */
    SNAPSHOTS_MAX = 4,             /* of the metrics, at a time */
    SCRAPES_MAX = 32,              /* that are being sent, at a time */
    SCRAPE_WRITTEN_MAX = 1 << 18,  /* of what has changed, in one run of the server, */
    SCRAPE_PREPARE_SECONDS = 2,    /* until it took so long: then all of it at once */
    SCRAPE_KEPT_SECONDS = 600,     /* that the text is kept when nobody scrapes */
    SCRAPE_SECONDS = 5,            /* that a scrape may take while others wait for a snapshot */
    KEEP_ALIVE_SECONDS = 60,       /* from one request of a connection to the headers of the next */
    REQUEST_DISCARD_MAX = 4 << 20, /* of a body that is too large, read so that its sender gets the refusal */
    RESPONSE_BODY_MAX = 64 << 20,
    ANSWERS_SIZE_MAX = 64 << 20, /* of all that are being sent: with more, nothing further is read */
    CONNECTIONS_MAX = 2000,
    EVENT_STREAMS_MAX = 1000,       /* at a time, and never more than half of the connections */
    EVENTS_RECENT_MAX = 256,        /* kept in memory for streams; what is older they read in the journal */
    EVENTS_REPLAYED_MAX = 500,      /* read in the journal for all streams together, in one run of the server */
    STREAMS_SERVED_MAX = 64,        /* given something in one run of the server */
    STREAM_WAITING_MAX = 16 * 1024, /* for one client to take */
    STREAM_SOCKET_MAX = 64 * 1024,  /* the same, in the system */
    STREAM_HEARTBEAT_SECONDS = 15,  /* who has taken nothing between two heartbeats is dropped */
    LISTENERS_MAX = 16,
    TLS_HANDSHAKES_US = 2000, /* of the processor, in one run of the server: the others wait */
    TLS_ACCEPTED_MAX = 32,    /* connections, in one run of the server */
    QUERY_PARAMETERS_MAX = 32,
    RATE_LIMIT_CLIENTS = 4096,    /* addresses that are counted at once */
    SUBPROTOCOLS_MAX = 4096,      /* of a WebSocket, all together */
    TOKENS_MAX = 256,             /* of http.tokens_file */
    TOKEN_LENGTH_MAX = 512,       /* of one */
    WEBHOOK_WINDOW_SECONDS = 300, /* between a webhook's timestamp and our clock, either way */
    RUNS_PAGE_MAX = 200,
    SENDPOSTS_PAGE_MAX = 1000,
    DEPLOYMENT_PAGES_MAX = 25, /* of 200 deployments, for one listing */
    JSON_DEPTH_MAX = 64,
    POLL_BATCH_MAX = 200,         /* ids of one flow-run filter: Prefect's own maximum */
    PREFECT_REPLY_MAX = 16 << 20, /* of one reply */
    PREFECT_QUEUE_MAX = 50000,    /* requests waiting for a place */
    URL_MAX = 2048,
    SECRET_FILE_MAX = 16 * 1024,
    CERTIFICATE_FILE_MAX = 256 * 1024,
};

/* Prefect as a whole, as the metrics show it */
enum {
    INVENTORY_DEPLOYMENTS_MAX = 5000,
    INVENTORY_POOLS_MAX = 500,
    INVENTORY_QUEUES_MAX = 2000,
    INVENTORY_WORKERS_MAX = 200,    /* of one pool */
    INVENTORY_FLOW_RUNS_MAX = 1000, /* under way, and late: each */
    INVENTORY_NAME_MAX = 512,       /* as a label */
};

/* Memory */
enum {
    MEMORY_KEPT = 32 << 20, /* free, at the end of the heap, that is not given back to the system */
};

/* Journal */
enum {
    RETENTION_DEFINITIONS = 500, /* looked at in one turn */
    RETENTION_RUNS = 100,        /* deleted in one turn */
    RETENTION_ROWS = 1000,       /* of events, keys, audit records: each */
    BACKUP_SPARE = 64 << 20,     /* that a backup leaves on the disk */
    REQUEST_KEY_HOURS = 24,      /* how long a trigger's idempotency key is remembered */
};

#endif
