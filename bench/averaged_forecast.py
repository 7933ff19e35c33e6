"""What would a cooldown from here reach? The loss of averaged weights along the trunk, against real cooldowns from it.

    make bench-averaged                                    some 8 CPU-minutes
    python -m bench.averaged_forecast --out FOLDER         what is already there is not trained again

Protocol, written before the first scored run:

Claim      at a constant rate, the held-out loss of averaged weights says what a linear cooldown to zero that begins now
           would reach, better than what else can be known at that moment.
Tasks      mnist1d, digits, fashion (20,000 images; MLP), fashion-bn (the same with batch norm; statistics made anew for
           the averaged weights) and chars (a transformer of one block on Python's help texts), two peaks each, a factor
           of three apart. Pilot seeds 100 and 101 (forms and grids); seeds 0, 1 and 2 are scored.
Target     the held-out loss at the end of a cooldown of 10%, 20% or 40% of the updates so far, begun after 200, 400, 800
           and 1,600 updates.
Estimate   A(t) + b ln(1 + θ c): A the averaged loss now, b its slope against ln t over the last half of the updates, c the
           cooldown's share. Settings: the average (running, with a window of 40, 20, 10, 5 or 2.5% of the updates so
           far; LAWA, 5 checkpoints over 10 or 20%) and θ in {0, 0.5, 1, 1.5, 2}. The interval is in units of
           s = hypot(gain, noise): the loss on its line less the estimate, and the sd about that line.
Choosing   the setting with the least mean relative error on the *other data sets* (fashion and fashion-bn are one), over
           all seeds and peaks; the half-width for each length as the 90% quantile of |error| / s there, on the same
           setting, each data set with the same weight.
Beside it  the loss now; the loss now less the gain of the last known cooldown; the law that `lrdecay forecast` fits to
           the trunk and that cooldown; the estimate moved by its own miss on that cooldown. The known cooldown is the
           one of 10% that began at half as many updates; so 200 is not scored beside these.
Score      mean |error| as a share of the loss, by data set; Spearman over the steps of a trunk; share of losses inside
           the 90% interval and its median width as a share of the loss. Groups are (data set, seed): 12.
Statistic  ln of an arm's mean relative error over the estimate's, by group; mean and t interval at 95% over groups.
Threshold  the estimate is *better* than an arm where the interval lies above 0, *worse* where below, else *cannot tell*.
           Coverage is *right* in .85 to .97.

Before this was committed all tasks were tried with seed 100, fashion with fewer images; s, θ = 0.5, the window of 5% and
that an own miss is not transferable were seen on pilot seeds 100 and 101.
"""
