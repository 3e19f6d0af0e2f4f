/* SPDX-License-Identifier: Apache-2.0 */
/* All metrics, in the order in which they are shown. Within metrics/ only. */
#ifndef SENDPOST_METRICS_FAMILIES_H
#define SENDPOST_METRICS_FAMILIES_H

#include "metrics/items.h"

typedef enum MetricType {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_STATESET,
    METRIC_HISTOGRAM,
    METRIC_SUMMARY,
    METRIC_INFO,
    METRIC_TYPES
} MetricType;
extern const char *const metric_type_names[METRICS_FORMATS][METRIC_TYPES];

extern const char *const scope_labels[SCOPES]; /* their names, for the docs */

/* How a value lies in its item, and how many lines it makes. */
typedef enum Form {
    FORM_ONE,          /* 1 for every item */
    FORM_INFO,         /* Text: 1 with these labels; empty: no line */
    FORM_FLAG,         /* bool */
    FORM_WHOLE,        /* uint64_t */
    FORM_LIMIT,        /* int64_t; negative: there is none, +Inf */
    FORM_SECONDS,      /* int64_t, ms */
    FORM_CODE,         /* an enum: its number */
    FORM_STATES,       /* an enum: one line for each name in `names`; `only` says which (0: all) */
    FORM_COUNTS,       /* uint64_t[count]: one line for each name in `names`, or number in `numbers` up to a 0 */
    FORM_HISTOGRAM,    /* uint64_t[count + 1] within `bounds`; double at `sum` */
    FORM_HISTOGRAM_MS, /* uint64_t[count + 1] within `numbers` seconds; int64_t ms at `sum` */
    FORM_SUMMARY_MS,   /* uint64_t; int64_t ms at `sum` */
} Form;

typedef struct Family {
    const char *name;
    MetricType type;
    Scope scope;
    Form form;
    unsigned short offset, sum, exemplars; /* the last: Exemplar[count + 1]; 0: none */
    const char *help;
    const char *label; /* that tells the lines of one item apart; of FORM_INFO: the names of its own, for the docs */
    const char *const *names;
    const int *numbers;
    const double *bounds;
    int count;
    unsigned only;
    bool passing; /* only there while something is wrong */
} Family;

extern const Family families[];
extern const size_t family_count;

/* The name without the suffix that only the samples have in that format. */
size_t family_name_length(const Family *family, MetricsFormat format);
const char *family_unit(const Family *family); /* NULL: none */
/* Whether it is shown with these switches of the configuration. */
bool family_shown(const Family *family, bool stage_state_set, bool histograms);
/* The positions of an item's lines are 0 .. family_positions - 1; some may have no line. */
int family_positions(const Family *family);
bool family_has_line(const Family *family, int position);

#endif
