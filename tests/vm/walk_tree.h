/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs do to a tree: list, stat, read, map, read links and xattrs.
 */
#ifndef TESTS_VM_WALK_TREE_H
#define TESTS_VM_WALK_TREE_H

/**
 * walk_tree() - do it to all of a tree, whatever the file system answers
 * @path: of its root; borrowed
 * @every: 1: touch all names; else, of many in a directory, each @every-th
 *
 * Each directory is entered once and neither very deep nor very long, so that a
 * walk ends even where the tree does not.  Not for several threads at once.
 */
void walk_tree(const char *path, unsigned int every);

#endif /* TESTS_VM_WALK_TREE_H */
