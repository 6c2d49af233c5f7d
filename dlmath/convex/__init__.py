"""The convex head: multinomial logistic regression on fixed features, solved rather than trained."""
