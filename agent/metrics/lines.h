/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the lines of a family. What they have alike whatever their owner (names, HELP and TYPE, the labels of
 * histograms and states) is prepared once, in both formats. Within metrics/ only. */
#ifndef SENDPOST_METRICS_LINES_H
#define SENDPOST_METRICS_LINES_H

#include "metrics/families.h"

/* A family's lines are the same text in both formats; those with exemplars are not, and have a slot for each. */
typedef struct Slot {
    const Family *family;
    bool shown_in[METRICS_FORMATS];
    size_t first; /* its lines' names and own labels, by position */
    size_t extra; /* what a line may need beyond the labels of its item */
} Slot;

/* What the whole text consists of, one after the other: a header, and the lines of all owners. */
typedef struct Paragraph {
    Text header;
    size_t slot; /* SLOT_NONE: the end */
} Paragraph;
#define SLOT_NONE SIZE_MAX

typedef struct Lines {
    Slot *slots; /* of the families that are shown; the second of two is that for OpenMetrics */
    size_t slot_count;
    Paragraph *paragraphs[METRICS_FORMATS];
    size_t paragraph_count;
    Text *names, *own_labels;
    size_t line_count, line_capacity;
    Buffer texts; /* of all the above */
} Lines;

void lines_init(Lines *lines, bool stage_state_set, bool histograms);
void lines_release(Lines *lines);

/* Whether the slot before has the same family's lines without exemplars. */
bool lines_slot_is_variant(const Lines *lines, size_t slot);

/* Appends the owner's lines of that slot, in the order of its items. */
void lines_write(const Lines *lines, size_t slot, const OwnerItems *owner, Buffer *out);

#endif
