"""A discrete-event simulation of a whole deployment, for loads that no test machine can make.

`deployment` reads the settings that the product ships. `flow` runs the product's own rules
(`marquee.requests`) on a simulated clock, against models of AWS: `sqs`, `emr`, `lambdas`. `crowd`
holds the visitors, by the million. `times` and `quotas` hold the figures that the models need, each
with its source. `scenarios` names the loads; `outcome` is what comes out.
"""
