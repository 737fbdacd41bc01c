"""What is optimised: network, objective and the step that joins them."""
