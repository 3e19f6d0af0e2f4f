/* SPDX-License-Identifier: Apache-2.0 */
/* For the files that declare shapes. */
#ifndef SENDPOST_API_SCHEMA_TABLES_H
#define SENDPOST_API_SCHEMA_TABLES_H

#include "api/schema.h"

#define MEMBER(text, said, of_kind, ...)                                                                               \
    {                                                                                                                  \
        .name = (text), .about = (said), .kind = VALUE_##of_kind, __VA_ARGS__                                          \
    }
#define MEMBERS_OF(table)  .members = (table), .count = sizeof(table) / sizeof *(table)
#define OF_SHAPE(of_shape) .shape = &schema_##of_shape
#define ONE_OF(list)       .choices = &choices_##list

extern const Shape schema_run_summary, schema_file_error, schema_failure, schema_failed_task, schema_log_line,
    schema_stage, schema_attempt, schema_flow_run, schema_deployment_reference, schema_prefect_state,
    schema_sendpost_summary, schema_parameter, schema_schedule, schema_tick, schema_definition_source,
    schema_stage_definition, schema_links, schema_prefect_status, schema_counts, schema_journal_status,
    schema_certificate_status, schema_caller, schema_found_problem, schema_found_deployment, schema_wrong_value;
extern const Choices choices_reasons, choices_triggers, choices_node_kinds;

#endif
