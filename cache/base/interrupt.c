// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char *said;

static void say_and_die(int number)
{
	/* If stderr takes nothing, there is nothing else to be done. */
	if (write(STDERR_FILENO, said, strlen(said)) < 0)
		errno = 0;
	/* SA_RESETHAND has restored the default, and SA_NODEFER lets it happen. */
	raise(number);
}

void interrupt_say(const char *message)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = {
		.sa_handler = say_and_die,
		.sa_flags = SA_RESETHAND | SA_NODEFER,
	};
	struct sigaction before;

	said = message;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &before) == 0 &&
		    before.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &action, NULL);
}
