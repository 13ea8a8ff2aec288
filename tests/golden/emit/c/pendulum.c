/* jacobian_pendulum: the Jacobian of pendulum() in c_examples.py:25
 * The angle after a time, by steps of the classical method of Runge and Kutta.
 */
#include "jacobian_pendulum.h"

#include <math.h>

int jacobian_pendulum(double angle0, double speed0, double time, double *jacobian_0,
                      double *jacobian_1, double *restrict work)
{
    double *const restrict work1 = work;
    double *const restrict work2 = work + 1000;
    double angle = angle0;
    double speed = speed0;
    const double t1 = time/1000;
    const double t2 = t1/6;
    const double t3 = t1/2;
    for (int64_t i = 0; i < 1000; i++) {
        const double t4 = sin(angle + t3*speed);
        const double t5 = speed - t3*t4;
        const double t6 = sin(angle);
        const double t7 = speed - t3*t6;
        const double t8 = sin(angle + t3*t7);
        const double next_speed = speed + t2*(-t6 - 2*t4 - 2*t8 - sin(angle + t1*t5));
        work1[i] = angle;
        work2[i] = speed;
        angle = angle + t2*(speed + 2*t7 + 2*t5 + (speed - t1*t8));
        speed = next_speed;
    }
    double s = 1.0;
    double s_2 = 0.0;
    for (int64_t i = 999; i >= 0; i--) {
        const double t9 = t2*s;
        const double t10 = work1[i] + t3*work2[i];
        const double t11 = t2*s_2;
        const double t12 = t11*cos(work1[i] + t1*(work2[i] - t3*sin(t10)));
        const double t13 = 2*t9 - t1*t12;
        const double t14 = (-2*t11 - t3*t13)*cos(t10);
        const double t15 = cos(work1[i] + t3*(work2[i] - t3*sin(work1[i])))*(-2*t11 - t1*t9);
        const double t16 = 2*t9 + t3*t15;
        const double next = t16 + (t3*t14 + (t13 + (t9 + (s_2 + t9))));
        s = (-t11 - t3*t16)*cos(work1[i]) + (t14 + (t15 + (s - t12)));
        s_2 = next;
    }
    *jacobian_0 = s;
    *jacobian_1 = s_2;
    return 0;
}
