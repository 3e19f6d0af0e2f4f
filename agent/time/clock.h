/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's clocks: the one place that reads them. Not for engine/ or definitions/. */
#ifndef SENDPOST_TIME_CLOCK_H
#define SENDPOST_TIME_CLOCK_H

#include "time/instant.h"

Now clock_now(void); /* CLOCK_REALTIME and CLOCK_BOOTTIME */

#endif
