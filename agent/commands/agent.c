/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the agent in the foreground. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "commands/command.h"
#include "commands/settings.h"
#include "loop.h"
#include <stdio.h>
#include <string.h>

static const Option options[] = {
    {"config", 'c', "FILE", false,
     "configuration (SENDPOST_CONFIG; default config/agent.yaml, /etc/sendpost/agent.yaml)"},
    {"set", 0, "KEY=VALUE", true, "overrides a setting: --set prefect.timeout=5s"},
    {0},
};

static Status serve(const Configuration *configuration)
{
    Loop loop;
    Error error = {0};
    log_configure(configuration->log_level, configuration->log_format);
    bool opened = loop_open(&loop, configuration, &error);
    if (!opened) {
        loop_close(&loop);
        return complain(STATUS_FAILED, "agent", error.text);
    }
    log_line(LOG_INFO, "started", "version", sendpost_version, "configuration",
             configuration->file[0] ? configuration->file : "none: all defaults", "definitions",
             configuration->definitions_directory, "journal", configuration->journal_path, "address",
             server_address(loop.server), "prefect", configuration->prefect_api_url, NULL);
    bool good = loop_run(&loop);
    loop_close(&loop);
    log_line(LOG_INFO, "stopped", NULL);
    return good ? STATUS_DONE : STATUS_FAILED;
}

static Status run(const CommandLine *line)
{
    Configuration *configuration = NULL;
    Status status = settings_load(line, "agent", &configuration);
    if (status == STATUS_DONE) {
        status = serve(configuration);
    }
    configuration_free(configuration);
    return status;
}

const Command command_agent = {
    .name = "agent", .arguments = "", .options = options, .summary = "Runs the agent in the foreground", .run = run};
