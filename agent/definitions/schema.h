/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema 2020-12 of definition files, from the tables that read them. */
#ifndef SENDPOST_DEFINITIONS_SCHEMA_H
#define SENDPOST_DEFINITIONS_SCHEMA_H

#include "base/buffer.h"

void definition_schema_print(Buffer *out); /* with a newline at the end */

#endif
