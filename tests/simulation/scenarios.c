/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[SCENARIOS] = {
    "name: single\nstages:\n- {name: a, run: f/a}\n",
    "name: chain\nconcurrency: queue\nstages:\n- {name: a, run: f/a, retries: 2, retry_delay: 30s}\n"
    "- {name: b, run: f/b, timeout: 10m}\n- {name: c, run: f/c, when: always}\n",
    "name: fan\nconcurrency: replace\nstages:\n- {name: a, run: f/a}\n- name: p\n  parallel:\n  - {name: x, run: f/x}\n"
    "  - name: y\n    stages:\n    - {name: y1, run: f/y1}\n    - {name: y2, run: f/y2, allow_failure: true}\n"
    "  max_concurrent: 1\n- {name: z, run: f/z}\n",
    "name: fan-cancel\nstages:\n- name: p\n  on_failure: cancel\n  parallel:\n  - {name: x, run: f/x}\n"
    "  - {name: y, run: f/y}\n  - {name: z, run: f/z}\n- {name: sorry, run: f/sorry, when: failure}\n",
    "name: limited\ntimeout: 20m\nconcurrency: queue\nstages:\n- {name: a, run: f/a, timeout: 5m, retries: 1}\n"
    "- {name: b, run: f/b}\n- {name: c, run: f/c}\n",
    "name: approve\ntimeout: 1h\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b, blocked: true}\n",
    "name: watch\nstages:\n- {name: a, observe: f/seen, within: 24h, wait: 10m}\n- {name: b, run: f/b}\n",
    "name: watch-once\nconcurrency: queue\nstages:\n- {name: a, observe: f/seen, within: 1h}\n- {name: b, run: f/b, "
    "when: always}\n",
    "name: by-id\nconcurrency: replace\nstages:\n- {name: a, run: 00000000-0000-4000-8000-00000000000a, retries: 1}\n",
    "name: slow\nconcurrency: queue\nstages:\n- {name: a, run: f/a, timeout: 3m, retries: 2, retry_delay: 1m}\n"
    "- {name: c, run: f/c, when: always, retries: 1}\n",
    "name: crossed\nstages:\n- name: p\n  max_concurrent: 1\n  parallel:\n  - name: x\n    stages:\n"
    "    - {name: x1, run: f/x}\n    - {name: x2, run: f/z, needs: [p/y]}\n  - {name: y, run: f/y}\n",
    "name: nightly\nconcurrency: queue\nstages:\n- {name: a, run: f/a, retries: 1}\n- {name: b, run: f/b}\n"
    "schedule: {cron: '*/13 * * * *', catch_up: latest}\n",
    "name: promised\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b, when: always}\n"
    "schedule: [{cron: '*/19 * * * *', catch_up: all}, {cron: '7 3 * * *'}]\n",
    "name: leave\nstages:\n- {name: a, run: f/a, timeout: 2m, on_timeout: leave}\n- {name: b, run: f/b, needs: []}\n",
};

static Definition *read_text(const char *text, size_t length, int number)
{
    Findings findings = {0};
    Definition *definition = definition_read(text, length, NULL, &findings);
    if (!definition) {
        const Finding *finding = findings_first_error(&findings);
        fprintf(stderr, "scenario %d:%d: %s\n", number, finding->line, finding->message);
        exit(1);
    }
    findings_release(&findings);
    return definition;
}

/* A schedule is the last key of its scenario. */
void scenarios_read(Scenario scenarios[SCENARIOS])
{
    for (int i = 0; i < SCENARIOS; i++) {
        const char *schedule = strstr(texts[i], "schedule:");
        size_t length = strlen(texts[i]);
        scenarios[i].definition = read_text(texts[i], length, i);
        scenarios[i].quiet = read_text(texts[i], schedule ? (size_t)(schedule - texts[i]) : length, i);
    }
}

void scenarios_release(Scenario scenarios[SCENARIOS])
{
    for (int i = 0; i < SCENARIOS; i++) {
        definition_release(scenarios[i].definition);
        definition_release(scenarios[i].quiet);
    }
}
