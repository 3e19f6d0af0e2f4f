/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/items.h"

void items_init(Items *items, const char *text, size_t length)
{
    *items = (Items){.text = text, .length = length};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Outside of items: ITEM_PENDING while there is nothing to say. */
static ItemStep step_outside(Items *items, char c)
{
    if (is_space(c)) {
        return ITEM_PENDING;
    }
    if (items->place == ITEM_BEFORE_LIST && c == '[') {
        items->place = ITEM_FIRST;
    } else if (items->place == ITEM_FIRST && c == ']') {
        items->place = ITEM_AFTER_LIST;
    } else {
        return ITEM_WRONG;
    }
    return ITEM_PENDING;
}

static ItemStep step_inside(Items *items, char c)
{
    if (items->quoted) {
        items->at += c == '\\';
        items->quoted = c != '"';
    } else if (c == '"') {
        items->quoted = true;
    } else if (c == '[' || c == '{') {
        items->depth++;
    } else if (items->depth == 0 && (c == ',' || c == ']')) {
        items->place = c == ',' ? ITEM_INSIDE : ITEM_AFTER_LIST;
        return ITEM_FOUND;
    } else if (c == ']' || c == '}') {
        return items->depth-- == 0 ? ITEM_WRONG : ITEM_PENDING;
    }
    return ITEM_PENDING;
}

ItemStep items_next(Items *items, size_t *budget, const char **item, size_t *length)
{
    size_t from = items->at;
    ItemStep step = ITEM_PENDING;
    while (step == ITEM_PENDING && items->at < items->length && items->at - from < *budget) {
        char c = items->text[items->at];
        if (items->place == ITEM_FIRST && c != ']' && !is_space(c)) {
            items->place = ITEM_INSIDE;
            items->begin = items->at;
        }
        step = items->place == ITEM_INSIDE ? step_inside(items, c) : step_outside(items, c);
        items->at += step != ITEM_WRONG;
    }
    size_t used = items->at - from;
    *budget -= used < *budget ? used : *budget;
    if (step == ITEM_FOUND) {
        *item = items->text + items->begin;
        *length = items->at - 1 - items->begin;
        items->begin = items->at;
    } else if (step == ITEM_PENDING && items->at >= items->length) {
        step = items->place == ITEM_AFTER_LIST ? ITEM_END : ITEM_WRONG;
    }
    return step;
}
