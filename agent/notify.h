/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd wants to hear of a Type=notify service: sd_notify(3), without its library. */
#ifndef SENDPOST_NOTIFY_H
#define SENDPOST_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", "WATCHDOG=1"; does nothing outside of systemd. */
void notify_systemd(const char *state);
/* How often WATCHDOG=1 is due, in ms: half of what systemd waits; 0: it does not watch. */
int64_t notify_watchdog_ms(void);

#endif
