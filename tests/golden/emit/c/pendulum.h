#ifndef JACOBIAN_PENDULUM_H
#define JACOBIAN_PENDULUM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JACOBIAN_PENDULUM_WORK (2000)

/* jacobian_pendulum: the Jacobian of pendulum() in c_examples.py:25
 * The angle after a time, by steps of the classical method of Runge and Kutta.
 *
 *   angle0      in: number
 *   speed0      in: number
 *   time        in: number
 *   jacobian_0  out: number
 *   jacobian_1  out: number
 *   work        work memory: JACOBIAN_PENDULUM_WORK numbers, of any contents
 *
 * What is written to overlaps with nothing else.
 *
 * Returns 0.
 */
int jacobian_pendulum(double angle0, double speed0, double time, double *jacobian_0,
                      double *jacobian_1, double *work);

#ifdef __cplusplus
}
#endif

#endif
