/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that waits for the network can be told to stop: it says so, and dies of the
 * signal, so that whatever has started it sees why it ended.
 *
 * For programs that leave nothing behind that would have to be tidied up.  While they do,
 * they block the signals and read them from a signalfd.
 */
#ifndef CACHE_BASE_INTERRUPT_H
#define CACHE_BASE_INTERRUPT_H

/**
 * interrupt_say() - on SIGINT, SIGTERM and SIGHUP say "interrupted" and die of the signal
 * @message: the whole line, with its end; borrowed for the life of the process
 *
 * A signal that is ignored stays ignored.
 */
void interrupt_say(const char *message);

#endif /* CACHE_BASE_INTERRUPT_H */
