/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a JSON list, one after the other, without reading the whole list at once. Only what lies between the
 * items is judged here; each item is for json_parse. Pure. */
#ifndef SENDPOST_PREFECT_ITEMS_H
#define SENDPOST_PREFECT_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ItemPlace { ITEM_BEFORE_LIST, ITEM_FIRST, ITEM_INSIDE, ITEM_AFTER_LIST } ItemPlace;

typedef struct Items {
    const char *text; /* borrowed */
    size_t length, at, begin;
    ItemPlace place;
    int depth; /* of nesting within the item */
    bool quoted;
} Items;

typedef enum ItemStep {
    ITEM_FOUND,
    ITEM_PENDING, /* the budget is used up: come again */
    ITEM_END,     /* the list has ended, and the text with it */
    ITEM_WRONG,   /* not a list at byte `at` */
} ItemStep;

void items_init(Items *items, const char *text, size_t length);
/* *budget is lessened by the bytes that were looked at. */
ItemStep items_next(Items *items, size_t *budget, const char **item, size_t *length);

#endif
