/* SPDX-License-Identifier: Apache-2.0 */
#include "api/internal.h"
#include "base/assert.h"
#include "base/memory.h"

uint64_t slots_put(Slots *slots, Exchange *exchange)
{
    uint32_t index = slots->first_free;
    if (index == SLOT_NONE) {
        index = (uint32_t)slots->count;
        array_push(slots->items, slots->count, slots->capacity) = (Slot){.next_free = SLOT_NONE};
    }
    Slot *slot = &slots->items[index];
    invariant(!slot->exchange);
    slots->first_free = slot->next_free;
    slot->exchange = exchange;
    slot->generation++;
    return (uint64_t)slot->generation << 32 | index;
}

Exchange *slots_find(const Slots *slots, uint64_t token)
{
    uint32_t index = (uint32_t)token, generation = (uint32_t)(token >> 32);
    if (index >= slots->count || slots->items[index].generation != generation) {
        return NULL;
    }
    return slots->items[index].exchange;
}

Exchange *slots_take(Slots *slots, uint64_t token)
{
    Exchange *exchange = slots_find(slots, token);
    if (exchange) {
        uint32_t index = (uint32_t)token;
        slots->items[index].exchange = NULL;
        slots->items[index].next_free = slots->first_free;
        slots->first_free = index;
    }
    return exchange;
}
