/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorded start as a picture: how many objects were there at which time, those
 * that readers had to wait for against those that were fetched ahead, and below it
 * when somebody waited.  SVG 1.1 without scripts, fonts or anything from elsewhere.
 */
#ifndef FETCHER_REPORT_PLOT_H
#define FETCHER_REPORT_PLOT_H

#include <stdio.h>

#include "fetcher/profile/record.h"

/**
 * record_plot() - draw
 * @record: in any order
 * @out: the caller looks for write errors
 *
 * Return: 0 or -ENOMEM.
 */
int record_plot(const struct record *record, FILE *out);

#endif /* FETCHER_REPORT_PLOT_H */
