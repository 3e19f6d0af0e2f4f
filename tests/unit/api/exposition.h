/* SPDX-License-Identifier: Apache-2.0 */
/* The exposition, played: numbered lines, as many as a test says, and a text that is written for as long as it says. */
#ifndef TESTS_API_EXPOSITION_H
#define TESTS_API_EXPOSITION_H

#include "base/memory.h"
#include "metrics/exposition.h"
#include <stdio.h>

struct MetricsText {
    int unwritten; /* calls of snapshot_take that only write */
    size_t budget; /* of the last one */
    int cleared;
};
struct Snapshot {
    int references;
    size_t lines;
};
static MetricsText *metrics_text; /* of the server */
static int snapshots_taken, snapshots_alive;
struct Exposition {
    Snapshot *snapshot;
    MetricsFormat format;
    size_t given;
    char *whole; /* when it was asked for in pieces */
};
enum { EXPOSITION_LINES = 5000, LINE_SIZE = 16, PIECE_SIZE = 64 * 1024, IN_PIECES_MAX = 8000000 };
static size_t exposition_piece_size = PIECE_SIZE;
static size_t exposition_lines = EXPOSITION_LINES;

MetricsText *metrics_text_new(bool stage_state_set, bool histograms)
{
    (void)stage_state_set, (void)histograms;
    metrics_text = memory_new(sizeof *metrics_text);
    return metrics_text;
}

void metrics_text_free(MetricsText *text)
{
    free(text);
}

void metrics_text_clear(MetricsText *text)
{
    text->cleared++;
}

Snapshot *snapshot_take(MetricsText *text, const MetricsSources *sources, size_t budget)
{
    (void)sources;
    text->budget = budget;
    if (budget < SIZE_MAX && text->unwritten > 0) {
        text->unwritten--;
        return NULL;
    }
    Snapshot *snapshot = memory_new(sizeof *snapshot);
    snapshot->references = 1;
    snapshot->lines = exposition_lines;
    snapshots_taken++;
    snapshots_alive++;
    return snapshot;
}

void snapshot_release(Snapshot *snapshot)
{
    if (snapshot && --snapshot->references == 0) {
        free(snapshot);
        snapshots_alive--;
    }
}

size_t snapshot_size(const Snapshot *snapshot, MetricsFormat format)
{
    (void)format;
    return snapshot->lines * LINE_SIZE;
}

Exposition *exposition_new(Snapshot *snapshot, MetricsFormat format)
{
    Exposition *exposition = memory_new(sizeof *exposition);
    exposition->snapshot = snapshot;
    exposition->format = format;
    snapshot->references++;
    return exposition;
}

void exposition_free(Exposition *exposition)
{
    snapshot_release(exposition->snapshot);
    free(exposition->whole);
    free(exposition);
}

size_t exposition_read(Exposition *exposition, char *out, size_t size)
{
    size_t filled = 0, whole = snapshot_size(exposition->snapshot, exposition->format);
    while (exposition->given < whole && filled < size) {
        char line[64];
        snprintf(line, sizeof line, "line_%08zu %d\n", exposition->given / LINE_SIZE, 1 + (int)exposition->format);
        for (bool ended = false; !ended && filled < size; ended = exposition->given % LINE_SIZE == 0) {
            out[filled++] = line[exposition->given++ % LINE_SIZE];
        }
    }
    return filled;
}

size_t exposition_pieces(Exposition *exposition, Piece *pieces, size_t max)
{
    size_t size = snapshot_size(exposition->snapshot, exposition->format), most = exposition_piece_size;
    if ((size + most - 1) / most > max || size > IN_PIECES_MAX) {
        return 0;
    }
    exposition->whole = memory_new(size + 1);
    assert_int_equal(exposition_read(exposition, exposition->whole, size + 1), size);
    size_t count = 0;
    for (size_t at = 0; at < size; at += most) {
        pieces[count++] = (Piece){exposition->whole + at, size - at < most ? size - at : most};
    }
    return count;
}

/* Only the sum, by code. */
void http_statistics_add(HttpStatistics *statistics, int handler, int code, double seconds)
{
    assert_true(seconds >= 0 && statistics->handlers[handler]);
    statistics->requests[handler][code / 100]++;
}

#endif
