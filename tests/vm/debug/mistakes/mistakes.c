// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module that makes one mistake when it is loaded, to see that the debug guest
 * notices it: a search that finds nothing must have been able to.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

static char *kind = "";
module_param(kind, charp, 0);
MODULE_PARM_DESC(kind, "which mistake");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(lock);
static volatile int sink;

/* Read one byte of 100, at @offset, before or after they are freed. */
static void read_byte(int offset, bool freed)
{
	char *bytes = kmalloc(100, GFP_KERNEL);

	if (!bytes)
		return;
	OPTIMIZER_HIDE_VAR(bytes);
	if (freed)
		kfree(bytes);
	sink = bytes[offset];
	if (!freed)
		kfree(bytes);
}

/* With a text in it: kmemleak shows the first bytes, of the size only the slab's. */
static noinline void leak(void)
{
	char *bytes = kzalloc(777, GFP_KERNEL);

	if (bytes)
		strscpy(bytes, "leaked", 777);
	sink = bytes != NULL;
}

static void lock_both_ways(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_with_a_spinlock(void)
{
	spin_lock(&lock);
	msleep(1);
	spin_unlock(&lock);
}

static int __init mistakes_init(void)
{
	if (!strcmp(kind, "use-after-free"))
		read_byte(5, true);
	else if (!strcmp(kind, "out-of-bounds"))
		read_byte(101, false);
	else if (!strcmp(kind, "shift"))
		sink = 1 << (sink + 40);
	else if (!strcmp(kind, "leak"))
		leak();
	else if (!strcmp(kind, "sleep"))
		sleep_with_a_spinlock();
	else if (!strcmp(kind, "locks"))
		lock_both_ways();
	else
		return -EINVAL;
	return 0;
}

static void __exit mistakes_exit(void)
{
}

module_init(mistakes_init);
module_exit(mistakes_exit);

MODULE_DESCRIPTION("Deliberate mistakes");
MODULE_LICENSE("GPL");
