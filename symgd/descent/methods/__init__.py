"""The ways down. `table` has one row for each; the other modules are the pieces they are put together from.

method          a state, and what every method can do
updates         steps of a given rate: plain, with momentum, Nesterov's, Adam, AdamW; schedules of the rate
directions      where to: steepest, conjugate gradients, BFGS, L-BFGS, Newton and Gauss-Newton
searches        how far along a direction: Armijo, Wolfe, the exact minimum, Barzilai and Borwein
searched        a method of a direction and a search
models          quadratic models of the loss: from the Hessian, from a sum of squares, from either
trust_region    a method that minimises a model within a radius it trusts
conjugate       the same from products of the Hessian with vectors
closed_form     the one step where the gradient is linear in the parameters
coordinates     one coordinate after the other
"""
