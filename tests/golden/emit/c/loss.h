#ifndef VALUE_AND_GRAD_LOSS_H
#define VALUE_AND_GRAD_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VALUE_AND_GRAD_LOSS_WORK(m) (2*(m))

/* value_and_grad_loss: the value and the gradient of loss() in c_examples.py:8
 * The mean loss of a logistic regression.
 *
 *   n         length of w
 *   m         rows of X
 *   w         in: array of n
 *   X         in: array of m x n
 *   y         in: array of m
 *   value     out: number
 *   gradient  out: array of n
 *   work      work memory: VALUE_AND_GRAD_LOSS_WORK(m) numbers, of any contents
 *
 * Arrays lie row by row. What is written to overlaps with nothing else.
 *
 * Returns 0.
 */
int value_and_grad_loss(int64_t n, int64_t m, const double *w, const double *X, const double *y,
                        double *value, double *gradient, double *work);

#ifdef __cplusplus
}
#endif

#endif
