/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAULTS_EXPECT_H
#define TESTS_FAULTS_EXPECT_H

#include <stdbool.h>

/* Ends the program with @what when @ok is false. */
void expect(bool ok, const char *what);

#endif
