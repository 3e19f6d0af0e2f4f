/* SPDX-License-Identifier: Apache-2.0 */
/* Where the keys of a definition stand in its file, for what is found out only later: read once more from its text. */
#ifndef SENDPOST_DEFINITIONS_PLACES_H
#define SENDPOST_DEFINITIONS_PLACES_H

#include "definitions/definition.h"

typedef struct Places Places;

Places *places_new(const Definition *definition);
void places_free(Places *places); /* NULL is legal */

/* The place of `key` of that node (-1: of the sendpost itself), or of `inner` below it (NULL: none). What is not there
 * is reported at what should have it. */
void places_find(const Places *places, int node, const char *key, const char *inner, int *line, int *column);

#endif
