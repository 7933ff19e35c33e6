"""What is learned late transfers less: frozen features of every stage on other targets.

You, Long, Wang and Jordan, How Does Learning Rate Decay Help Modern Neural Networks?, 2019, arXiv:1908.01878.
"""
