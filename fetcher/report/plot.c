// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/report/plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define WIDTH		900
#define HEIGHT		500
#define LEFT		70
#define RIGHT		30
#define TOP		60
#define BOTTOM		110		/* axis, its labels and the strip of waits */
#define STRIP_TOP	(HEIGHT - 50)
#define STRIP_HEIGHT	18

/* More points than this can't be told apart. */
#define MOST_POINTS	1200

struct plot {
	FILE *out;
	double max_ms, max_objects;
};

/* What is counted together as one line. */
struct line {
	const char *name, *colour;
	uint32_t *done_ms;		/* sorted */
	size_t n;
};

enum { LINE_DEMAND, LINE_AHEAD, LINE_BACKGROUND, N_LINES };

static double x_of(const struct plot *plot, double ms)
{
	return LEFT + ms / plot->max_ms * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct plot *plot, double objects)
{
	return HEIGHT - BOTTOM -
	       objects / plot->max_objects * (HEIGHT - BOTTOM - TOP);
}

/* 1, 2 or 5 times a power of ten, so that some five to ten of it make @max. */
static double step_for(double max)
{
	double power = pow(10, floor(log10(max / 5)));
	double rest = max / 5 / power;

	return power * (rest < 2 ? 1 : rest < 5 ? 2 : 5);
}

static void draw_axes(const struct plot *plot)
{
	FILE *out = plot->out;
	double step = step_for(plot->max_ms);

	fputs("<g stroke=\"#ddd\" fill=\"#444\" font-size=\"12\">\n", out);
	for (double ms = 0; ms <= plot->max_ms * 1.0001; ms += step)
		fprintf(out, "<path d=\"M%.1f %dV%d\"/><text stroke=\"none\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%g s</text>\n",
			x_of(plot, ms), TOP, HEIGHT - BOTTOM, x_of(plot, ms),
			HEIGHT - BOTTOM + 18, ms / 1000);
	step = step_for(plot->max_objects);
	if (step < 1)
		step = 1;
	for (double n = 0; n <= plot->max_objects * 1.0001; n += step)
		fprintf(out, "<path d=\"M%d %.1fH%d\"/><text stroke=\"none\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%g</text>\n",
			LEFT, y_of(plot, n), WIDTH - RIGHT, LEFT - 8,
			y_of(plot, n) + 4, n);
	fputs("</g>\n", out);
}

static void draw_line(const struct plot *plot, const struct line *line,
		      size_t number)
{
	size_t step = line->n / MOST_POINTS + 1;
	double y = TOP - 18, x = LEFT + 230.0 * (double)number;

	fprintf(plot->out, "<path d=\"M%.1f %.1fh24\" stroke=\"%s\" stroke-width=\"3\"/><text x=\"%.1f\" y=\"%.1f\" font-size=\"13\">%s: %zu</text>\n",
		x, y - 4, line->colour, x + 30, y, line->name, line->n);
	if (!line->n)
		return;
	fprintf(plot->out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"M%.1f %.1f",
		line->colour, x_of(plot, 0), y_of(plot, 0));
	for (size_t i = 0; i < line->n; i += step) {
		size_t last = i + step < line->n ? i + step - 1 : line->n - 1;

		fprintf(plot->out, "H%.1fV%.1f",
			x_of(plot, line->done_ms[last]),
			y_of(plot, (double)(last + 1)));
	}
	fprintf(plot->out, "H%.1f\"/>\n", x_of(plot, plot->max_ms));
}

/* The waits, merged where they overlap by less than a pixel's width. */
static void draw_waits(const struct plot *plot, const struct record *record)
{
	char busy[WIDTH] = { 0 };
	int begin;

	for (size_t i = 0; i < record->n; i++) {
		const struct record_entry *entry = &record->entries[i];

		if (entry->asked_ms == RECORD_NEVER)
			continue;
		for (int x = (int)x_of(plot, entry->asked_ms);
		     x <= (int)x_of(plot, entry->done_ms) && x < WIDTH; x++)
			busy[x] = 1;
	}
	fprintf(plot->out, "<text x=\"%d\" y=\"%d\" font-size=\"12\" text-anchor=\"end\">waiting</text>\n",
		LEFT - 8, STRIP_TOP + 13);
	fprintf(plot->out, "<path d=\"M%d %dH%dv%dH%dz\" fill=\"#f4f4f4\"/>\n",
		LEFT, STRIP_TOP, WIDTH - RIGHT, STRIP_HEIGHT, LEFT);
	for (int x = 0; x < WIDTH; x++) {
		if (!busy[x])
			continue;
		for (begin = x; x < WIDTH && busy[x]; x++)
			;
		fprintf(plot->out, "<path d=\"M%d %dH%dv%dH%dz\" fill=\"#c0392b\"/>\n",
			begin, STRIP_TOP, x, STRIP_HEIGHT, begin);
	}
}

static int compare_ms(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void sort_into(struct line lines[N_LINES], const struct record *record)
{
	for (size_t i = 0; i < record->n; i++) {
		const struct record_entry *entry = &record->entries[i];
		struct line *line =
			&lines[entry->kind == FETCH_DEMAND   ? LINE_DEMAND :
			       entry->kind == FETCH_PREFETCH ? LINE_AHEAD :
							       LINE_BACKGROUND];

		line->done_ms[line->n++] = entry->done_ms;
	}
	for (size_t i = 0; i < N_LINES; i++)
		qsort(lines[i].done_ms, lines[i].n, sizeof(uint32_t),
		      compare_ms);
}

static void draw(struct plot *plot, const struct line lines[N_LINES],
		 const struct record *record)
{
	fprintf(plot->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\">\n"
		"<path d=\"M0 0H%dV%dH0z\" fill=\"#fff\"/>\n"
		"<text x=\"%d\" y=\"24\" font-size=\"16\">Objects in the store since the start</text>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
	draw_axes(plot);
	for (size_t i = 0; i < N_LINES; i++)
		if (lines[i].n || i != LINE_BACKGROUND)
			draw_line(plot, &lines[i], i);
	draw_waits(plot, record);
	fputs("</svg>\n", plot->out);
}

int record_plot(const struct record *record, FILE *out)
{
	struct plot plot = { .out = out, .max_ms = 1, .max_objects = 1 };
	struct line lines[N_LINES] = {
		[LINE_DEMAND] = { .name = "on demand", .colour = "#c0392b" },
		[LINE_AHEAD] = { .name = "prefetched", .colour = "#2471a3" },
		[LINE_BACKGROUND] = { .name = "in the background",
				      .colour = "#7f8c8d" },
	};
	uint32_t *memory = calloc(N_LINES * record->n + 1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	for (size_t i = 0; i < N_LINES; i++)
		lines[i].done_ms = memory + i * record->n;
	sort_into(lines, record);
	for (size_t i = 0; i < N_LINES; i++) {
		if (!lines[i].n)
			continue;
		plot.max_ms = fmax(plot.max_ms,
				   lines[i].done_ms[lines[i].n - 1]);
		plot.max_objects = fmax(plot.max_objects, (double)lines[i].n);
	}
	draw(&plot, lines, record);
	free(memory);
	return 0;
}
