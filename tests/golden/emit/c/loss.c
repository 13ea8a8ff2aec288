/* value_and_grad_loss: the value and the gradient of loss() in c_examples.py:8
 * The mean loss of a logistic regression.
 */
#include "value_and_grad_loss.h"

#include <math.h>

int value_and_grad_loss(int64_t n, int64_t m, const double *restrict w, const double *restrict X,
                        const double *restrict y, double *value, double *restrict gradient,
                        double *restrict work)
{
    double *const restrict work1 = work;
    double *const restrict work2 = work + m;
    double total = 0.0;
    const double t1 = 1/(double)m;
    for (int64_t i = 0; i < m; i++) {
        double total_2 = 0.0;
        for (int64_t j = 0; j < n; j++) {
            total_2 += w[j]*X[i*n + j];
        }
        const double t2 = exp(-y[i]*total_2);
        work1[i] = t2;
        work2[i] = t1/(1 + t2);
        total += log1p(t2);
    }
    for (int64_t i = 0; i < n; i++) {
        double total_3 = 0.0;
        for (int64_t j = 0; j < m; j++) {
            total_3 += X[j*n + i]*(y[j]*(work1[j]*work2[j]));
        }
        gradient[i] = -total_3;
    }
    *value = total/(double)m;
    return 0;
}
