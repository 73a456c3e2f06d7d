"""Visual similarity search for NFT art: look-alikes, collection, traits and price."""
