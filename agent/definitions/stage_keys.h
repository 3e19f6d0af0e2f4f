/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of stages: one table for each kind, told apart by the key that makes the kind. */
#ifndef SENDPOST_DEFINITIONS_STAGE_KEYS_H
#define SENDPOST_DEFINITIONS_STAGE_KEYS_H

#include "definitions/reading.h"

/* A stage while it is read. */
typedef struct StageDraft {
    Node node;
    NodeSource source;
    int when, on_timeout, on_failure;
    const DocumentNode *children;
    char *description;
} StageDraft;

typedef struct StageKind {
    const char *key; /* that makes the kind */
    const char *title;
    const Key *keys; /* their targets lie in a StageDraft */
    size_t count;
} StageKind;

enum { STAGE_KINDS = NODE_SEQUENCE + 1 };
extern const StageKind stage_kinds[STAGE_KINDS]; /* by NodeKind */

#endif
