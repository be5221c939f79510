"""A neural network for tables: K small networks in one, over piecewise-linear features.

Sources of its parts:
- the members that share their weights, and training by the mean of their losses: Gorishniy, Kotelnikov and Babenko 2024,
  "TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling"; the rank-one adapters in it are those of
  Wen, Tran and Ba 2020, "BatchEnsemble";
- piecewise-linear features between quantiles: Gorishniy, Rubachev and Babenko 2022, "On Embeddings for Numerical
  Features in Tabular Deep Learning";
- robust scale and smooth clip, and answers kept within the training rows' range: Holzmüller, Grinsztajn and Steinwart
  2024, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data" (RealMLP).
"""
