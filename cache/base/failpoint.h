/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named places where a test may make a program die or a step fail.
 *
 *	CFS_FAILPOINT=NAME:ACTION[@N][,...]
 *		on the N-th time (default 1) that NAME is reached: ACTION is "kill";
 *		"stop", until SIGCONT, while a test does something to the disk; or an
 *		error such as "EIO", which the step then returns
 *
 * Only programs configured with -DCFS_FAILPOINTS=ON know of this; in all others the
 * macro is the constant 0, no environment is read and no name is in the program.
 * `grep -roh 'FAILPOINT("[a-z_.]*")' cache fetcher` lists the names; NAME is
 * AREA.MOMENT, and tests/address/cases/every_failpoint.sh reaches every one.
 *
 * Ownership: names are string constants.  Any thread.
 */
#ifndef CACHE_BASE_FAILPOINT_H
#define CACHE_BASE_FAILPOINT_H

#ifdef CFS_FAILPOINTS

/**
 * failpoint_hit() - does anything happen here?
 * @name: of this place
 *
 * Return: 0 to go on as if nothing were here, or -errno as the step's own failure.
 */
int failpoint_hit(const char *name);

#define FAILPOINT(name)	failpoint_hit(name)
#else
#define FAILPOINT(name)	0
#endif

#endif /* CACHE_BASE_FAILPOINT_H */
